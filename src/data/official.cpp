#include "data/official.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "core/file.h"
#include "core/process.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

constexpr const char* note_name = ".scnn-verified";

std::uint64_t content_hash(const Tensor& tensor) {
  return hash64({static_cast<const std::byte*>(tensor.raw()), tensor.bytes()});
}

std::string file_hash(const std::filesystem::path& path) { return hex64(hash64(read_file(path, ErrorKind::data))); }

std::filesystem::path content_file(const std::filesystem::path& folder, const std::string& content) {
  return find_content(folder, content).value_or(folder / content);
}

/// The note's lines: file name to hash.
std::map<std::string, std::string> read_note(const std::filesystem::path& path) {
  std::map<std::string, std::string> hashes;
  std::istringstream lines(read_text(path, ErrorKind::data));
  std::string hash;
  std::string name;
  while (lines >> hash >> name) hashes[name] = hash;
  return hashes;
}

}  // namespace

std::string official_evidence(const DataInfo& info, const std::filesystem::path& folder, const Dataset& set) {
  const std::vector<std::uint64_t> found{content_hash(set.train.images), content_hash(set.train.labels),
                                         content_hash(set.test.images), content_hash(set.test.labels)};
  if (found == info.content_hashes) return "every pixel and label is the published one";

  if (std::error_code code; std::filesystem::is_regular_file(folder / note_name, code)) {
    const std::map<std::string, std::string> hashes = read_note(folder / note_name);
    for (const std::string& content : info.contents) {
      const std::filesystem::path path = content_file(folder, content);
      const auto noted = hashes.find(path.filename().string());
      if (noted == hashes.end()) return {};  // another file took its place: nothing is known about that one
      if (const std::string hash = file_hash(path); hash != noted->second) {
        throw Error(ErrorKind::data, path.string() + ": its XXH3 is " + hash + ", expected " + noted->second +
                                         " as when it was fetched; remove " + folder.string() + " and " +
                                         data_remedy(info));
      }
    }
    return "fetched with the published MD5 and unchanged since";
  }

  if (info.archives) return {};
  for (const DataDownload& download : info.downloads) {
    const std::filesystem::path path = folder / download.name;
    if (!std::filesystem::exists(path) || md5_of(path.string()) != download.md5) return {};
  }
  return "its files have the published MD5";
}

std::string md5_of(const std::string& path) {
  const ProcessResult result = run_program({"md5sum", "--", path});
  // A backslash opens the line where the path has unusual characters.
  const std::size_t first = result.output.starts_with('\\') ? 1 : 0;
  if (result.status != 0 || result.output.size() < first + 32) {
    throw Error(ErrorKind::data, "cannot check " + path + ": " +
                                     (result.started ? result.output : "md5sum is not installed (package coreutils)"));
  }
  return result.output.substr(first, 32);
}

void write_verified_note(const DataInfo& info, const std::filesystem::path& folder) {
  std::string text;
  for (const std::string& content : info.contents) {
    const std::filesystem::path path = content_file(folder, content);
    text += file_hash(path) + "  " + path.filename().string() + "\n";
  }
  write_file(folder / note_name, text);
}

DataVerdict verify_data(const DataInfo& info, const std::string& root) {
  DataVerdict verdict;
  verdict.folder = require_data(info, root);
  try {
    const Dataset set = read_files(info, verdict.folder);
    verdict.evidence = official_evidence(info, verdict.folder, set);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    verdict.evidence = error.what();
    return verdict;
  }
  verdict.readable = true;
  verdict.official = !verdict.evidence.empty();
  if (!verdict.official) verdict.evidence = "well-formed, but nothing proves that it is the published set";
  return verdict;
}

}  // namespace scnn
