#include "core/file.h"

#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "catch.h"
#include "temporary_folder.h"

namespace scnn {
namespace {

ErrorKind kind_of(const auto& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.kind();
  }
  return ErrorKind::check;
}

}  // namespace

TEST_CASE("files are replaced whole", "[file]") {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "a.txt";
  write_file(file, std::string_view("first"));
  CHECK(read_text(file, ErrorKind::data) == "first");
  write_file(file, std::string_view(""));
  CHECK(read_file(file, ErrorKind::data).empty());
  int entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++entries;
  CHECK(entries == 1);  // no temporary file is left
}

TEST_CASE("file errors name the path and carry the caller's kind", "[file]") {
  const test::TemporaryFolder folder;
  const auto missing = folder.path() / "missing";
  CHECK(kind_of([&] { (void)read_file(missing, ErrorKind::data); }) == ErrorKind::data);
  CHECK(kind_of([&] { (void)read_file(folder.path(), ErrorKind::checkpoint); }) == ErrorKind::checkpoint);
  CHECK(kind_of([&] { write_file(missing / "b", std::string_view("x")); }) == ErrorKind::run_folder);
  const auto pipe = folder.path() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(kind_of([&] { (void)read_file(pipe, ErrorKind::data); }) == ErrorKind::data);
  try {
    (void)read_file(missing, ErrorKind::data);
  } catch (const Error& e) {
    CHECK(std::string(e.what()).find(missing.string()) != std::string::npos);
  }
}

TEST_CASE("a file is one's own until it is let go", "[file]") {
  const test::TemporaryFolder folder;
  const auto path = folder.write("lock", "before");
  auto mine = lock_file(path);
  CHECK(mine.has_value());
  CHECK_FALSE(lock_file(path).has_value());
  mine.reset();
  CHECK(lock_file(path).has_value());
  CHECK(read_text(path, ErrorKind::data) == "before");
  CHECK(lock_file("/proc/.lock").has_value());  // where nobody can lock, everybody may go on
}

TEST_CASE("hashes", "[file]") {
  // XXH3_64bits of nothing, from the xxHash specification's sanity checks (seed 0).
  CHECK(hex64(hash64({})) == "2d06800538d394c2");
  CHECK(hex64(0xabcULL) == "0000000000000abc");
  const std::string a = "a";
  const std::string b = "b";
  CHECK(hash64(std::as_bytes(std::span(a))) != hash64(std::as_bytes(std::span(b))));
}

}  // namespace scnn
