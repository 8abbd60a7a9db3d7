#include "data/image/cache.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "core/cores.h"
#include "core/file.h"
#include "data/image/resize.h"
#include "scnn/core/safetensors.h"

namespace scnn {
namespace fs = std::filesystem;
namespace {

constexpr const char* format_name = "scnn-images-1";

std::string key_of(const ImageFolder& folder, const ImageFolderOptions& options) {
  std::string text = std::string(format_name) + "\n" + fs::weakly_canonical(folder.root).string() + "\n";
  for (const std::int64_t value : {options.channels, options.h, options.w, static_cast<std::int64_t>(options.fit)}) {
    text += std::to_string(value) + "\n";
  }
  for (const auto* files : {&folder.train, &folder.test}) {
    text += "split\n";
    for (const ImageFile& file : *files) {
      text += file.path + "\t" + std::to_string(file.size) + "\t" + std::to_string(file.time) + "\n";
    }
  }
  return hex64(hash64(std::as_bytes(std::span(text))));
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Empty where the environment names no place.
fs::path cache_folder() {
  if (const fs::path cache = environment("XDG_CACHE_HOME"); cache.is_absolute()) return cache / "scnn";
  if (const fs::path home = environment("HOME"); home.is_absolute()) return home / ".cache" / "scnn";
  return {};
}

std::string digest(const FolderPixels& pixels) {
  std::string text;
  for (const Tensor* tensor : {&pixels.train, &pixels.test}) {
    text += tensor->shape().str() + hex64(hash64({static_cast<const std::byte*>(tensor->raw()), tensor->bytes()}));
  }
  return text;
}

Shape shape_of(const std::vector<ImageFile>& files, const ImageFolderOptions& options) {
  return {static_cast<std::int64_t>(files.size()), options.h, options.w, options.channels};
}

/// Nothing where the file is not there, not whole or not of these images.
std::optional<FolderPixels> read_cache(const fs::path& path, const ImageFolder& folder,
                                       const ImageFolderOptions& options) {
  std::error_code code;
  if (!fs::is_regular_file(path, code)) return std::nullopt;
  try {
    Safetensors file = decode_safetensors(read_file(path, ErrorKind::data), path.string());
    const FolderPixels pixels{file.tensors["train"], file.tensors["test"]};
    const bool whole = pixels.train.defined() && pixels.test.defined() && pixels.train.dtype() == DType::uint8 &&
                       pixels.test.dtype() == DType::uint8 && pixels.train.shape() == shape_of(folder.train, options) &&
                       pixels.test.shape() == shape_of(folder.test, options) && file.metadata["xxh3"] == digest(pixels);
    if (whole) return pixels;
  } catch (const Error&) {
    return std::nullopt;
  }
  return std::nullopt;
}

void write_cache(const fs::path& path, const FolderPixels& pixels) {
  Safetensors file;
  file.tensors = {{"train", pixels.train}, {"test", pixels.test}};
  file.metadata = {{"format", format_name}, {"xxh3", digest(pixels)}};
  std::error_code code;
  fs::create_directories(path.parent_path(), code);
  // A name of its own: others may be writing the same file.
  fs::path own = path;
  own += ".";
  own += std::to_string(::getpid());
  write_file(own, encode_safetensors(file));
  fs::rename(own, path);
}

/// Both splits' images, one after the other, on all cores.
class Decoding {
 public:
  Decoding(const ImageFolder& folder, const ImageFolderOptions& options, std::chrono::milliseconds period)
      : folder_(folder), options_(options), period_(period) {
    pixels_ = {Tensor::host(shape_of(folder.train, options), DType::uint8),
               Tensor::host(shape_of(folder.test, options), DType::uint8)};
  }

  FolderPixels run(const std::function<void(const std::string&)>& progress) {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < usable_cores(); ++i) helpers.emplace_back([this] { work({}); });
    work(progress);
    helpers.clear();
    if (failure_) std::rethrow_exception(failure_);
    if (!bad_.empty()) refuse();
    return pixels_;
  }

 private:
  static constexpr std::size_t most_named = 10;

  [[nodiscard]] std::size_t count() const { return folder_.train.size() + folder_.test.size(); }

  void work(const std::function<void(const std::string&)>& progress) {
    auto told = std::chrono::steady_clock::now();
    for (std::size_t i = next_++; i < count() && !failed_; i = next_++) {
      try {
        decode(i);
      } catch (...) {
        const std::scoped_lock lock(mutex_);
        failure_ = std::current_exception();
        failed_ = true;
      }
      const std::size_t done = ++done_;
      const auto now = std::chrono::steady_clock::now();
      if (!progress || now - told < period_) continue;
      told = now;
      progress("decoding images: " + std::to_string(done) + " of " + std::to_string(count()));
    }
  }

  void decode(std::size_t i) {
    const bool test = i >= folder_.train.size();
    const std::size_t at = test ? i - folder_.train.size() : i;
    const ImageFile& file = (test ? folder_.test : folder_.train)[at];
    const fs::path path = folder_.root / file.path;
    try {
      const RgbImage image = decode_image(read_file(path, ErrorKind::data));
      const auto bytes = static_cast<std::size_t>(options_.h * options_.w * options_.channels);
      fit_image(image, options_.fit, options_.h, options_.w, options_.channels,
                (test ? pixels_.test : pixels_.train).data<std::uint8_t>() + at * bytes);
    } catch (const ImageError& error) {
      const std::scoped_lock lock(mutex_);
      bad_[i] = path.string() + ": " + error.what();
    } catch (const Error& error) {
      const std::scoped_lock lock(mutex_);
      bad_[i] = error.what();
    }
  }

  [[noreturn]] void refuse() const {
    std::string text = std::to_string(bad_.size()) + (bad_.size() == 1 ? " image" : " images") + " cannot be read:";
    std::size_t named = 0;
    for (const auto& [index, what] : bad_) {
      if (++named > most_named) break;
      text += "\n  " + what;
    }
    if (bad_.size() > most_named) text += "\n  and " + std::to_string(bad_.size() - most_named) + " more";
    throw Error(ErrorKind::data, text + "\nreplace or remove them");
  }

  const ImageFolder& folder_;
  const ImageFolderOptions& options_;
  std::chrono::milliseconds period_;
  FolderPixels pixels_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<std::size_t> done_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::map<std::size_t, std::string> bad_;
  std::exception_ptr failure_;
};

}  // namespace

FolderPixels folder_pixels(const ImageFolder& folder, const ImageFolderOptions& options,
                           const std::function<void(const std::string&)>& progress, std::string& warning,
                           std::chrono::milliseconds period) {
  const fs::path place = cache_folder();
  const std::string name = fs::weakly_canonical(folder.root).filename().string();
  const fs::path file = place / (name + "-" + key_of(folder, options) + ".safetensors");
  if (!place.empty()) {
    if (auto cached = read_cache(file, folder, options)) return *cached;
  }
  FolderPixels pixels = Decoding(folder, options, period).run(progress);
  if (place.empty()) {
    warning = "neither $XDG_CACHE_HOME nor $HOME is set: decoded images are not kept, every run decodes them again";
    return pixels;
  }
  try {
    write_cache(file, pixels);
  } catch (const std::exception& error) {
    warning = std::string(error.what()) +
              "; decoded images are not kept, every run decodes them again ($XDG_CACHE_HOME "
              "names another place)";
  }
  return pixels;
}

}  // namespace scnn
