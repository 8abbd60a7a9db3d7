#include "cuda/runtime/partial_sums.h"

#include <algorithm>

#include "cuda/conv/fp32/convolution.h"

namespace scnn::cuda {

struct PartialSums::Entry {
  Entry(Stream& stream, float* of, int slices_, std::int64_t count_)
      : dw(of), slices(slices_), count(count_), memory(stream, slices * count) {}
  float* dw;
  int slices;
  std::int64_t count;
  Scratch<float> memory;
  bool waiting = false;
};

PartialSums::Entry* PartialSums::find(const void* dw) const {
  const auto found =
      std::ranges::find(entries_, dw, [](const auto& entry) { return static_cast<const void*>(entry->dw); });
  return found != entries_.end() ? found->get() : nullptr;
}

PartialSums::Room::Room(PartialSums& sums, const char* op, float* dw, int slices, std::int64_t count)
    : sums_(sums), op_(op), dw_(dw), data_(dw), slices_(slices), count_(count) {
  if (slices == 1) return;
  Entry* entry = sums.find(dw);
  if (entry != nullptr && (entry->slices != slices || entry->count != count) && !sums.recording_) {
    sums.freed(dw);
    entry = nullptr;
  }
  if (entry == nullptr && !sums.recording_) {
    entry = sums.entries_.emplace_back(std::make_shared<Entry>(sums.stream_, dw, slices, count)).get();
  }
  if (entry != nullptr && entry->slices == slices && entry->count == count) {
    data_ = entry->memory.data();
  } else {
    scratch_ = std::make_unique<Scratch<float>>(sums.stream_, slices * count);
    data_ = scratch_->data();
  }
}

void PartialSums::Room::written() {
  if (data_ == dw_) return;
  if (scratch_) return sum_slices(sums_.stream_, op_, data_, slices_, count_, dw_);
  Entry* entry = sums_.find(dw_);
  if (!entry->waiting) ++sums_.waiting_;
  entry->waiting = true;
}

PartialSums::Sums PartialSums::take(const float* dw) {
  Entry* entry = waiting_ > 0 ? find(dw) : nullptr;
  if (entry == nullptr || !entry->waiting) return {dw, 1};
  entry->waiting = false;
  --waiting_;
  return {entry->memory.data(), entry->slices};
}

void PartialSums::add(Entry& entry) {
  if (!entry.waiting) return;
  entry.waiting = false;
  --waiting_;
  sum_slices(stream_, "partial sums", entry.memory.data(), entry.slices, entry.count, entry.dw);
}

void PartialSums::finish(const void* tensor) {
  if (waiting_ == 0) return;
  if (Entry* entry = find(tensor)) add(*entry);
}

void PartialSums::finish_all() {
  for (const auto& entry : entries_) add(*entry);
}

std::shared_ptr<const void> PartialSums::record(const std::function<void()>& work) {
  recording_ = true;
  try {
    work();
    finish_all();
  } catch (...) {  // what was recorded is never done
    for (const auto& entry : entries_) entry->waiting = false;
    waiting_ = 0;
    recording_ = false;
    throw;
  }
  recording_ = false;
  return std::make_shared<const std::vector<std::shared_ptr<Entry>>>(entries_);
}

void PartialSums::freed(const void* tensor) {
  std::erase_if(entries_, [&](const auto& entry) {
    if (entry->dw != tensor) return false;
    if (entry->waiting) --waiting_;
    return true;
  });
}

}  // namespace scnn::cuda
