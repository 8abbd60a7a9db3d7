#include "cuda/runtime/cuda_backend.h"

#include "backend/checks.h"
#include "cuda/tuning.h"
#include "scnn/core/error.h"

namespace scnn::cuda {
namespace {

class DeviceStorage final : public Storage {
 public:
  DeviceStorage(std::shared_ptr<Stream> stream, const std::shared_ptr<WeightCache>& cache,
                const std::shared_ptr<PartialSums>& sums, std::size_t bytes)
      : stream_(std::move(stream)), cache_(cache), sums_(sums), data_(stream_->allocate(bytes)), bytes_(bytes) {}
  ~DeviceStorage() override {
    if (const auto cache = cache_.lock()) cache->freed(data_);
    if (const auto sums = sums_.lock()) sums->freed(data_);
    stream_->release(data_);
  }
  DeviceStorage(const DeviceStorage&) = delete;
  DeviceStorage& operator=(const DeviceStorage&) = delete;

  [[nodiscard]] void* data() noexcept override { return data_; }
  [[nodiscard]] std::size_t bytes() const noexcept override { return bytes_; }

 private:
  std::shared_ptr<Stream> stream_;
  std::weak_ptr<WeightCache> cache_;
  std::weak_ptr<PartialSums> sums_;
  void* data_;
  std::size_t bytes_;
};

class GraphRecording final : public Recording {
 public:
  /// `kept`: what else the work uses and the backend may replace.
  GraphRecording(std::shared_ptr<Stream> stream, std::shared_ptr<WeightCache> cache, std::shared_ptr<PartialSums> sums,
                 const std::function<std::vector<std::shared_ptr<const void>>()>& kept,
                 const std::function<void()>& work)
      : stream_(std::move(stream)), cache_(std::move(cache)), sums_(std::move(sums)) {
    sums_->finish_all();
    std::shared_ptr<const void> partials;
    weights_ = cache_->record([&] { graph_ = stream_->capture([&] { partials = sums_->record(work); }); });
    kept_ = kept();
    kept_.push_back(partials);
  }
  void replay() override {
    sums_->finish_all();  // of work done since, before the recorded work reads or writes the same
    cache_->before(*weights_);
    stream_->launch(*graph_);
    cache_->after(*weights_);
  }

 private:
  std::shared_ptr<Stream> stream_;
  std::shared_ptr<WeightCache> cache_;
  std::shared_ptr<PartialSums> sums_;
  std::vector<std::shared_ptr<const void>> kept_;
  std::shared_ptr<const WeightCache::Recorded> weights_;
  std::unique_ptr<CapturedGraph> graph_;
};

}  // namespace

CudaBackend::CudaBackend(Device device, const BackendOptions& options)
    : device_(device),
      options_(options),
      stream_(std::make_shared<Stream>(device.index)),
      cache_(std::make_shared<WeightCache>(*stream_)),
      sums_(std::make_shared<PartialSums>(*stream_)) {
  const bool tf32 = options.precision == Precision::tf32;
  if (tf32 && options.convolution == ConvolutionPath::own) {
    throw Error(ErrorKind::device,
                "there are no own kernels in tf32: set device.convolution: auto or cudnn, or "
                "device.precision: fp32 or bf16");
  }
  if (options.precision == Precision::bf16 && options.convolution != ConvolutionPath::cudnn) {
    if (const std::size_t shared = most_shared_bytes(device.index); shared < kMostSharedBytes) {
      throw Error(ErrorKind::device, "own kernels in bf16 need " + std::to_string(kMostSharedBytes / 1024) +
                                         " KiB of shared memory in a block, this GPU has " +
                                         std::to_string(shared / 1024) + " (" + describe(device.index) +
                                         "): set device.precision: fp32 or tf32, or device.convolution: cudnn");
    }
  }
  if (tf32 || options.convolution == ConvolutionPath::cudnn) library_ = make_convolution_library(*stream_);
}

std::string CudaBackend::description() const {
  return describe(device_.index) + (library_ ? ", " + library_->description() : "");
}

Tensor CudaBackend::allocate(const Shape& shape, DType dtype) {
  const std::size_t bytes = static_cast<std::size_t>(shape.size()) * byte_size(dtype);
  auto storage = std::make_shared<DeviceStorage>(stream_, cache_, sums_, bytes);
  stream_->zero(storage->data(), bytes);
  return {std::move(storage), shape, dtype, device_};
}

void CudaBackend::copy(const Tensor& from, Tensor& to) {
  if (from.size() != to.size() || from.dtype() != to.dtype()) {
    checks::fail("copy", "from " + from.shape().str() + " " + name(from.dtype()) + " to " + to.shape().str() + " " +
                             name(to.dtype()));
  }
  for (const Tensor* tensor : {&from, static_cast<const Tensor*>(&to)}) {
    if (tensor->device().type != DeviceType::cpu) require_here("copy", *tensor);
  }
  sums_->finish(from.raw());
  sums_->finish(to.raw());
  cache_->written(to.raw());
  stream_->copy(to.raw(), from.raw(), from.bytes());
  if (from.device().type == DeviceType::cpu || to.device().type == DeviceType::cpu) stream_->wait();
}

std::unique_ptr<Recording> CudaBackend::record(const std::function<void()>& work) {
  if (!options_.graphs) return Backend::record(work);
  // The update's table is made or replaced within the work.
  const auto kept = [this] { return std::vector<std::shared_ptr<const void>>{update_table_, library_}; };
  return std::make_unique<GraphRecording>(stream_, cache_, sums_, kept, work);
}

void CudaBackend::synchronize() { stream_->wait(); }

void CudaBackend::require_here(const char* op, const Tensor& tensor) const {
  if (!tensor.defined()) checks::fail(op, "a tensor is undefined");
  if (!(tensor.device() == device_)) {
    checks::fail(op, "a tensor " + tensor.shape().str() + " is on " + to_string(tensor.device()) + ", not on " +
                         to_string(device_));
  }
}

std::unique_ptr<Backend> make_backend(Device device, const BackendOptions& options) {
  const std::string reason = unusable_because(device.index);
  if (!reason.empty()) throw Error(ErrorKind::device, "cannot use " + to_string(device) + ": " + reason);
  return std::make_unique<CudaBackend>(device, options);
}

std::string unusable_because() { return unusable_because(0); }

}  // namespace scnn::cuda
