#include "op_cases.h"

#include <limits>

namespace scnn::test {

std::vector<OpCase> op_cases() {
  std::vector<OpCase> all;
  for (auto* group : {conv2d_cases, linear_cases, quantize_cases, batch_norm_cases, pool_cases, elementwise_cases,
                      training_cases, image_cases, fused_cases, batch_norm_max_pool_cases}) {
    for (OpCase& c : group()) all.push_back(std::move(c));
  }
  return all;
}

Array uniform_array(const Shape& shape, std::uint32_t seed, double low, double high) {
  const RandomStream stream(seed, Stream::probe);
  Array array = zeros(shape);
  for (std::int64_t i = 0; i < array.size(); ++i) {
    const double u = static_cast<double>(uniform(stream.draws(static_cast<std::uint64_t>(i)).v[0]));
    array[i] = static_cast<double>(static_cast<float>(low + (high - low) * u));
  }
  return array;
}

Array as_float(Array a) {
  for (double& v : a.values) v = static_cast<double>(static_cast<float>(v));
  return a;
}

Array junk(const Shape& shape, DType dtype) {
  Array array = zeros(shape);
  array.dtype = dtype;
  const double value = dtype == DType::float32 ? std::numeric_limits<double>::quiet_NaN() : 77;
  array.values.assign(array.values.size(), value);
  return array;
}

namespace {

template <class T>
void fill_from(Tensor& host, const Array& array) {
  for (std::int64_t i = 0; i < array.size(); ++i) host.data<T>()[i] = static_cast<T>(array[i]);
}

template <class T>
void read_into(const Tensor& host, Array& array) {
  for (std::int64_t i = 0; i < array.size(); ++i) array[i] = static_cast<double>(host.data<T>()[i]);
}

}  // namespace

Tensors upload(Backend& backend, const Arrays& arrays) {
  Tensors tensors;
  for (const auto& [name, array] : arrays) {
    Tensor host = Tensor::host(array.shape, array.dtype);
    if (array.dtype == DType::float32) fill_from<float>(host, array);
    if (array.dtype == DType::uint8) fill_from<std::uint8_t>(host, array);
    if (array.dtype == DType::int32) fill_from<std::int32_t>(host, array);
    Tensor device = backend.allocate(array.shape, array.dtype);
    backend.copy(host, device);
    tensors.emplace(name, std::move(device));
  }
  return tensors;
}

Array download(Backend& backend, const Tensor& tensor) {
  Tensor host = Tensor::host(tensor.shape(), tensor.dtype());
  backend.copy(tensor, host);
  Array array = zeros(tensor.shape());
  array.dtype = tensor.dtype();
  if (array.dtype == DType::float32) read_into<float>(host, array);
  if (array.dtype == DType::uint8) read_into<std::uint8_t>(host, array);
  if (array.dtype == DType::int32) read_into<std::int32_t>(host, array);
  return array;
}

}  // namespace scnn::test
