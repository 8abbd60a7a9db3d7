#pragma once

#include <memory>
#include <span>
#include <vector>

#include "scnn/core/device.h"
#include "scnn/core/dtype.h"
#include "scnn/core/shape.h"

namespace scnn {

/// Memory of one device; freed by whoever made it.
class Storage {
 public:
  virtual ~Storage() = default;
  [[nodiscard]] virtual void* data() noexcept = 0;
  [[nodiscard]] virtual std::size_t bytes() const noexcept = 0;
};

/// A dense, contiguous, row-major array on one device.  Channels come last: activations are NHWC, weights OHWI.
/// Copying a Tensor shares its memory.  A default-made Tensor is undefined and holds nothing.
class Tensor {
 public:
  Tensor() = default;
  Tensor(std::shared_ptr<Storage> storage, const Shape& shape, DType dtype, Device device);

  /// Zero-filled tensor in host memory, aligned to 64 bytes.
  static Tensor host(const Shape& shape, DType dtype = DType::float32);
  /// Host tensor holding a copy of `values`; their number must be shape.size().
  static Tensor of(const Shape& shape, std::span<const float> values);
  static Tensor of(const Shape& shape, std::span<const std::int32_t> values);

  [[nodiscard]] bool defined() const noexcept { return storage_ != nullptr; }
  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }
  [[nodiscard]] std::int64_t size() const noexcept { return defined() ? shape_.size() : 0; }
  [[nodiscard]] std::size_t bytes() const noexcept { return static_cast<std::size_t>(size()) * byte_size(dtype_); }
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] Device device() const noexcept { return device_; }

  /// Pointer to the first element; Error(bug) where T is not the tensor's type.  Device memory for device tensors.
  template <class T>
  [[nodiscard]] T* data() {
    return static_cast<T*>(checked_data(DTypeOf<T>::value));
  }
  template <class T>
  [[nodiscard]] const T* data() const {
    return static_cast<const T*>(checked_data(DTypeOf<T>::value));
  }
  /// All elements of a host tensor.
  template <class T>
  [[nodiscard]] std::span<T> values() {
    return {data<T>(), static_cast<std::size_t>(size())};
  }
  template <class T>
  [[nodiscard]] std::span<const T> values() const {
    return {data<T>(), static_cast<std::size_t>(size())};
  }
  [[nodiscard]] const void* raw() const noexcept { return storage_ ? storage_->data() : nullptr; }
  [[nodiscard]] void* raw() noexcept { return storage_ ? storage_->data() : nullptr; }

  /// The same memory under another shape of the same or a smaller size.
  [[nodiscard]] Tensor reshaped(const Shape& shape) const;

 private:
  [[nodiscard]] void* checked_data(DType dtype) const;

  std::shared_ptr<Storage> storage_;
  Shape shape_;
  DType dtype_ = DType::float32;
  Device device_;
};

}  // namespace scnn
