#include "scnn/core/range.h"

#include <vector>

#include "scnn/core/error.h"

namespace scnn {

Listen::Listen(RangeSink& sink) {
  require(Range::heard_by == nullptr, ErrorKind::bug, "Listen: somebody listens to this thread already");
  std::vector<const Range*> open;
  for (const Range* range = Range::innermost; range != nullptr; range = range->outer_) open.push_back(range);
  for (auto range = open.rbegin(); range != open.rend(); ++range) sink.begin((*range)->name_, (*range)->member_);
  Range::heard_by = &sink;
}

Listen::~Listen() {
  for (const Range* range = Range::innermost; range != nullptr; range = range->outer_) Range::heard_by->end();
  Range::heard_by = nullptr;
}

}  // namespace scnn
