#include "core/trace.h"

#include <vector>

#include "scnn/core/error.h"

namespace scnn {

TraceListener::TraceListener(TraceSink& sink) {
  require(TraceScope::listener == nullptr, ErrorKind::bug, "TraceListener: somebody listens to this thread already");
  std::vector<const TraceScope*> open;
  for (const TraceScope* range = TraceScope::innermost; range != nullptr; range = range->outer_) open.push_back(range);
  for (auto range = open.rbegin(); range != open.rend(); ++range) sink.begin((*range)->name_, (*range)->member_);
  TraceScope::listener = &sink;
}

TraceListener::~TraceListener() {
  for (const TraceScope* range = TraceScope::innermost; range != nullptr; range = range->outer_)
    TraceScope::listener->end();
  TraceScope::listener = nullptr;
}

}  // namespace scnn
