#include <unistd.h>

#include <system_error>

#include "core/process.h"
#include "data/official.h"
#include "scnn/core/error.h"
#include "scnn/data/catalogue.h"

namespace scnn {
namespace {

namespace fs = std::filesystem;

/// A folder that goes when its work did not end well.
class PartialFolder {
 public:
  explicit PartialFolder(fs::path path) : path_(std::move(path)) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  PartialFolder(const PartialFolder&) = delete;
  PartialFolder& operator=(const PartialFolder&) = delete;
  ~PartialFolder() {
    std::error_code code;
    fs::remove_all(path_, code);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void download(const DataDownload& file, const fs::path& to, const std::function<void(const std::string&)>& log) {
  std::string failures;
  for (const std::string& url : file.urls) {
    if (log) log(url);
    const ProcessResult result = run_program({"curl", "--fail", "--location", "--silent", "--show-error",
                                              "--connect-timeout", "20", "--retry", "2", "--output", to.string(), url});
    if (!result.started) {
      throw Error(ErrorKind::data, "cannot download " + url + ": curl is not installed; sudo apt install curl");
    }
    if (result.status != 0) {
      failures += "\n  " + url + ": " +
                  (result.output.empty() ? "curl ended with " + std::to_string(result.status) : result.output);
      continue;
    }
    const std::string md5 = md5_of(to.string());
    if (md5 == file.md5) return;
    failures += "\n  " + url + ": its MD5 is " + md5 + ", expected " + file.md5;
  }
  throw Error(ErrorKind::data,
              "cannot download " + file.name + ":" + failures +
                  "\ncheck the network, or copy the files to a folder by hand and set data.root to it");
}

void unpack(const fs::path& archive, const fs::path& folder) {
  const ProcessResult result = run_program({"tar", "--extract", "--gzip", "--strip-components=1", "--no-same-owner",
                                            "--file", archive.string(), "--directory", folder.string()});
  if (result.status != 0) {
    throw Error(ErrorKind::data, "cannot unpack " + archive.string() + ": " +
                                     (result.started ? result.output : "tar is not installed; sudo apt install tar"));
  }
  fs::remove(archive);
}

}  // namespace

fs::path fetch_data(const DataInfo& info, const fs::path& folder, const std::function<void(const std::string&)>& log) {
  const fs::path target = folder / info.folders.front();
  try {
    if (fs::exists(target) && !fs::is_empty(target)) {
      std::string evidence = "it is not " + info.title;
      if (find_content(target, info.contents.front())) {
        const DataVerdict verdict = verify_data(info, target.string());
        if (verdict.official) return target;
        evidence = verdict.evidence;
      }
      throw Error(ErrorKind::data,
                  target.string() + " is there already: " + evidence + "; move it away and fetch again");
    }
    const PartialFolder partial(folder / ("." + info.type + ".part-" + std::to_string(::getpid())));
    for (const DataDownload& file : info.downloads) {
      download(file, partial.path() / file.name, log);
      if (info.archives) unpack(partial.path() / file.name, partial.path());
    }
    (void)read_files(info, partial.path());
    write_verified_note(info, partial.path());
    fs::create_directories(target.parent_path());
    fs::rename(partial.path(), target);
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorKind::run_folder,
                std::string("cannot write the data set: ") + error.what() + "; choose a folder that can be written");
  }
  return target;
}

}  // namespace scnn
