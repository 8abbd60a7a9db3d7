#include "scnn/core/tensor.h"

#include <algorithm>
#include <new>

#include "core/host_memory.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

class HostStorage final : public Storage {
 public:
  explicit HostStorage(std::size_t bytes) : memory_(bytes) {}

  void* data() noexcept override { return memory_.data(); }
  std::size_t bytes() const noexcept override { return memory_.bytes(); }

 private:
  HostMemory memory_;
};

template <class T>
Tensor host_copy(const Shape& shape, std::span<const T> values) {
  require(static_cast<std::int64_t>(values.size()) == shape.size(), ErrorKind::bug,
          "Tensor::of: wrong number of values");
  Tensor tensor = Tensor::host(shape, DTypeOf<T>::value);
  std::copy(values.begin(), values.end(), tensor.template data<T>());
  return tensor;
}

}  // namespace

Tensor::Tensor(std::shared_ptr<Storage> storage, const Shape& shape, DType dtype, Device device)
    : storage_(std::move(storage)), shape_(shape), dtype_(dtype), device_(device) {
  require(storage_ != nullptr && storage_->bytes() >= bytes(), ErrorKind::bug, "Tensor: storage smaller than shape");
}

Tensor Tensor::host(const Shape& shape, DType dtype) {
  const std::size_t bytes = static_cast<std::size_t>(shape.size()) * byte_size(dtype);
  try {
    return {std::make_shared<HostStorage>(bytes), shape, dtype, Device{}};
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::memory,
                "out of memory: a tensor of shape " + shape.str() + " needs " + std::to_string(bytes) + " bytes");
  }
}

Tensor Tensor::of(const Shape& shape, std::span<const float> values) { return host_copy(shape, values); }
Tensor Tensor::of(const Shape& shape, std::span<const std::int32_t> values) { return host_copy(shape, values); }

Tensor Tensor::reshaped(const Shape& shape) const {
  require(defined(), ErrorKind::bug, "Tensor::reshaped: undefined tensor");
  return {storage_, shape, dtype_, device_};
}

void* Tensor::checked_data(DType dtype) const {
  require(defined(), ErrorKind::bug, "Tensor::data: undefined tensor");
  require(dtype == dtype_, ErrorKind::bug, "Tensor::data: wrong element type");
  return storage_->data();
}

}  // namespace scnn
