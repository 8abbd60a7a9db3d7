#include "scnn/core/range.h"

#include <vector>

#include "scnn/core/error.h"

namespace scnn {

Listen::Listen(RangeSink& sink) {
  require(Range::sink_ == nullptr, ErrorKind::bug, "Listen: somebody listens to this thread already");
  std::vector<const Range*> open;
  for (const Range* range = Range::innermost_; range != nullptr; range = range->outer_) open.push_back(range);
  for (auto range = open.rbegin(); range != open.rend(); ++range) sink.begin((*range)->name_, (*range)->member_);
  Range::sink_ = &sink;
}

Listen::~Listen() {
  for (const Range* range = Range::innermost_; range != nullptr; range = range->outer_) Range::sink_->end();
  Range::sink_ = nullptr;
}

}  // namespace scnn
