#include <algorithm>

#include "catch.h"
#include "core/process.h"
#include "data/official.h"
#include "files.h"
#include "scnn/data/catalogue.h"
#include "scnn/data/dataset.h"

namespace scnn {
namespace {

using test::error_of;
using test::TemporaryFolder;

/// A catalogue entry whose files are offered from folders, by file:// addresses: a wrong one first.
DataInfo offered_mnist(const std::filesystem::path& folder) {
  DataInfo info = data_info("mnist");
  test::write_idx_set(folder, 6, 4);
  for (DataDownload& file : info.downloads) {
    file.urls = {"file://" + (folder / "nowhere" / file.name).string(), "file://" + (folder / file.name).string()};
    file.md5 = md5_of((folder / file.name).string());
  }
  return info;
}

DataInfo offered_cifar(const std::filesystem::path& folder) {
  DataInfo info = data_info("cifar10");
  test::write_cifar10(folder / "cifar-10-batches-bin");
  const std::filesystem::path archive = folder / info.downloads[0].name;
  REQUIRE(run_program({"tar", "-czf", archive.string(), "-C", folder.string(), "cifar-10-batches-bin"}).status == 0);
  info.downloads[0].urls = {"file://" + archive.string()};
  info.downloads[0].md5 = md5_of(archive.string());
  return info;
}

bool has_curl() { return run_program({"curl", "--version"}).status == 0; }

std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST_CASE("a file's MD5 is md5sum's, whatever its name", "[data]") {
  const TemporaryFolder folder;
  test::write_bytes(folder / "a b\\c", "abc");  // RFC 1321's own example
  CHECK(md5_of((folder / "a b\\c").string()) == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(error_of(ErrorKind::data, [&] { (void)md5_of((folder / "none").string()); }).find("No such file") !=
        std::string::npos);
}

TEST_CASE("fetched files are checked, put in place in one step, and known as official", "[data]") {
  if (!has_curl()) SCNN_SKIP("curl is not installed");
  const TemporaryFolder source;
  const TemporaryFolder folder;
  const DataInfo info = offered_mnist(source.path());
  std::vector<std::string> log;
  const auto target = fetch_data(info, folder / "new/data", [&](const std::string& line) { log.push_back(line); });
  CHECK(target == folder / "new/data/mnist");
  CHECK(log.size() == 8);
  CHECK(entries(folder / "new/data") == 1);
  const DataVerdict verdict = verify_data(info, (folder / "new/data").string());
  CHECK((verdict.readable && verdict.official));
  CHECK(verdict.evidence == "fetched with the published MD5 and unchanged since");
  DataOptions options;
  options.type = "mnist";
  options.root = (folder / "new/data").string();
  CHECK(load_dataset(options, 0).name == "MNIST");

  SECTION("again: nothing to do") {
    log.clear();
    CHECK(fetch_data(info, folder / "new/data", [&](const std::string& line) { log.push_back(line); }) == target);
    CHECK(log.empty());
  }
  SECTION("without the note the published MD5 still proves it") {
    std::filesystem::remove(target / ".scnn-verified");
    CHECK(verify_data(info, target.string()).evidence == "its files have the published MD5");
  }
  SECTION("changed since") {
    test::write_bytes(target / "t10k-labels-idx1-ubyte.gz", test::idx_labels(4).replace(8, 1, "\x05"));
    const std::string text = error_of(ErrorKind::data, [&] { (void)load_dataset(options, 0); });
    CHECK(text.starts_with((target / "t10k-labels-idx1-ubyte.gz").string() + ": its XXH3 is "));
    CHECK(text.find(" as when it was fetched; remove " + target.string()) != std::string::npos);
    const DataVerdict changed = verify_data(info, target.string());
    CHECK_FALSE((changed.readable || changed.official));
    CHECK(changed.evidence == text);
  }
}

TEST_CASE("an archive is fetched, unpacked and removed", "[data]") {
  if (!has_curl()) SCNN_SKIP("curl is not installed");
  const TemporaryFolder source;
  const TemporaryFolder folder;
  const DataInfo info = offered_cifar(source.path());
  const auto target = fetch_data(info, folder.path());
  CHECK(target == folder / "cifar-10-batches-bin");
  CHECK(entries(target) == 7);  // six files and the note
  DataOptions options;
  options.type = "cifar10";
  options.root = folder.path().string();
  const Dataset set = load_dataset(options, 0);
  CHECK(set.name == "CIFAR-10");
  CHECK(set.warnings.empty());
}

TEST_CASE("a failed fetch says why and leaves nothing", "[data]") {
  if (!has_curl()) SCNN_SKIP("curl is not installed");
  const TemporaryFolder source;
  const TemporaryFolder folder;
  DataInfo info = offered_mnist(source.path());
  const auto failure = [&] { return error_of(ErrorKind::data, [&] { (void)fetch_data(info, folder.path()); }); };
  SECTION("wrong checksum") {
    info.downloads[2].md5 = "00000000000000000000000000000000";
    const std::string text = failure();
    CHECK(text.starts_with("cannot download t10k-images-idx3-ubyte.gz:\n  file://"));
    CHECK(text.find(", expected 00000000000000000000000000000000\ncheck the network, or copy the files") !=
          std::string::npos);
    CHECK(entries(folder.path()) == 0);
  }
  SECTION("not there") {
    info.downloads[0].urls.pop_back();
    CHECK(failure().find("nowhere/train-images-idx3-ubyte.gz: curl: (37)") != std::string::npos);
    CHECK(entries(folder.path()) == 0);
  }
  SECTION("something else in its place") {
    test::write_bytes(folder / "mnist/notes.txt", "mine");
    CHECK(failure() ==
          (folder / "mnist").string() + " is there already: it is not MNIST; move it away and fetch again");
    CHECK(test::read_bytes(folder / "mnist/notes.txt") == "mine");
  }
  SECTION("a folder that cannot be made") {
    test::write_bytes(folder / "file", "x");
    CHECK(error_of(ErrorKind::run_folder, [&] {
            (void)fetch_data(info, folder / "file");
          }).starts_with("cannot write the data set: "));
  }
}

TEST_CASE("without proof a set is readable, not official", "[data]") {
  const TemporaryFolder folder;
  test::write_cifar10(folder.path());
  const DataVerdict verdict = verify_data(data_info("cifar10"), folder.path().string());
  CHECK((verdict.readable && !verdict.official));
  CHECK(verdict.evidence == "well-formed, but nothing proves that it is the published set");
  std::filesystem::resize_file(folder / "test_batch.bin", 100);
  const DataVerdict damaged = verify_data(data_info("cifar10"), folder.path().string());
  CHECK_FALSE(damaged.readable);
  CHECK(damaged.evidence.find("test_batch.bin: it has 100 bytes") != std::string::npos);
}

}  // namespace scnn
