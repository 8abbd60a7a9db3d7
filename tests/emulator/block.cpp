#include "emulator/block.h"

#include <algorithm>
#include <numeric>

#include "emulator/memory.h"

#if defined(EMULATOR_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace emulator {
namespace {

constexpr std::size_t barriers_per_block = 2 + 2 * 32;  // two of the block, two of each warp

struct Grid {
  Shape shape;
  uint3 block = {};
  const std::function<void()>* body = nullptr;
  std::vector<Thread> threads;
  std::vector<std::unique_ptr<Fiber>> spare;  ///< unwatched ones, for blocks with more threads
  std::vector<Warp> warps;
  std::mt19937 random;
  SharedMemory shared;
  std::uint64_t turns = 0;
  // What ThreadSanitizer orders launches and barriers by.  Each block has barriers of its own, or its threads would be
  // ordered behind those of the blocks before it.
  char start = 0, end = 0;
  std::array<std::uint64_t, 256 * barriers_per_block> barriers = {};
  std::size_t first_barrier = 0;
};

Grid& grid() {
  static thread_local Grid g;
  return g;
}

#if defined(EMULATOR_TSAN)
/// Watched blocks must not look ordered by sharing fibers or shared memory.  New threads are costly: of a large grid a
/// few blocks, drawn by the seed, are watched.
constexpr bool sanitized = true;
constexpr std::size_t watched_blocks = 2;
void acquire(void* what) { __tsan_acquire(what); }
void release(void* what) { __tsan_release(what); }
#else
constexpr bool sanitized = false;
constexpr std::size_t watched_blocks = 0;
void acquire(void* /*what*/) {}
void release(void* /*what*/) {}
#endif

void thread_body() {
  Grid& g = grid();
  acquire(&g.start);
  (*g.body)();
  set_mode(Mode::emulator);
  release(&g.end);
}

void make_threads(Grid& g, bool watched) {
  const dim3 extent = g.shape.block;
  const unsigned count = extent.x * extent.y * extent.z;
  const bool were_watched = !g.threads.empty() && g.threads.front().fiber->watched();
  if (watched || were_watched || g.threads.size() != count) {
    for (Thread& t : g.threads) {
      if (!t.fiber->watched()) g.spare.push_back(std::move(t.fiber));
    }
    g.threads.clear();
    g.threads.resize(count);
  }
  for (unsigned i = 0; i < count; ++i) {
    Thread& t = g.threads[i];
    t.index = {i % extent.x, i / extent.x % extent.y, i / extent.x / extent.y};
    t.lane = static_cast<int>(i % 32);
    t.warp = static_cast<int>(i / 32);
    t.state = Thread::State::ready;
    t.barriers_passed = t.warp_barriers_passed = 0;
    t.at = {};
    t.open_copies.clear();
    t.copy_groups.clear();
    if (t.fiber) continue;
    if (watched || g.spare.empty()) {
      t.fiber = std::make_unique<Fiber>(thread_body, watched);
    } else {
      t.fiber = std::move(g.spare.back());
      g.spare.pop_back();
    }
  }
  g.warps.assign((count + 31) / 32, Warp{});
  if (count % 32 != 0) g.warps.back().exited = ~0U << (count % 32);
}

void take_turn(Grid& g, Thread& t) {
  running = &t;
  ++g.turns;
  t.fiber->enter();
  set_mode(Mode::emulator);
  if (!t.fiber->done()) return;
  t.state = Thread::State::done;
  g.warps[static_cast<std::size_t>(t.warp)].exited |= 1U << t.lane;
}

/// Lets the threads of one warp run until none can; true if any did.
bool run_warp(Grid& g, std::size_t warp, const std::array<std::size_t, 32>& lanes) {
  bool progress = false;
  for (bool again = true; again;) {
    again = false;
    for (const std::size_t lane : lanes) {
      const std::size_t i = warp * 32 + lane;
      if (i >= g.threads.size() || g.threads[i].state != Thread::State::ready) continue;
      take_turn(g, g.threads[i]);
      again = progress = true;
    }
  }
  return progress;
}

/// Opens the barrier once every live thread waits at it; true if it did.
bool open_barrier(Grid& g, std::size_t alive) {
  std::size_t waiting = 0;
  const Thread* first = nullptr;
  for (const Thread& t : g.threads) {
    if (t.state != Thread::State::at_barrier) continue;
    ++waiting;
    if (first == nullptr) first = &t;
  }
  if (waiting == 0 || waiting != alive) return false;
  for (Thread& t : g.threads) {
    if (t.state != Thread::State::at_barrier) continue;
    running = &t;
    if (t.at.line != first->at.line) die("threads of a block wait at different __syncthreads");
    t.state = Thread::State::ready;
  }
  return true;
}

void run_block(Grid& g, bool watched) {
  make_threads(g, watched);
  g.first_barrier = (g.first_barrier + barriers_per_block) % g.barriers.size();
  g.shared.open(g.shape.shared_bytes);
  release(&g.start);
  std::vector<std::size_t> warps(g.warps.size());
  std::iota(warps.begin(), warps.end(), std::size_t{0});
  std::array<std::size_t, 32> lanes{};
  std::iota(lanes.begin(), lanes.end(), std::size_t{0});
  for (;;) {
    std::shuffle(warps.begin(), warps.end(), g.random);
    std::shuffle(lanes.begin(), lanes.end(), g.random);
    bool progress = false;
    for (const std::size_t w : warps) progress = run_warp(g, w, lanes) || progress;
    const auto alive = static_cast<std::size_t>(std::count_if(
        g.threads.begin(), g.threads.end(), [](const Thread& t) { return t.state != Thread::State::done; }));
    if (alive == 0) break;
    if (open_barrier(g, alive) || progress) continue;
    for (Thread& t : g.threads) {
      if (t.state == Thread::State::done) continue;
      running = &t;
      die("deadlock: a barrier or warp operation that not every thread it needs reaches");
    }
  }
  running = nullptr;
  g.shared.close();
}

}  // namespace

void run_grid(const Shape& shape, const std::function<void()>& body, unsigned seed) {
  const Quiet quiet;
  Grid& g = grid();
  g.shape = shape;
  g.body = &body;
  g.random.seed(seed);
  const dim3 extent = shape.grid;
  std::vector<unsigned> order(static_cast<std::size_t>(extent.x) * extent.y * extent.z);
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), g.random);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const unsigned b = order[i];
    g.block = {b % extent.x, b / extent.x % extent.y, b / extent.x / extent.y};
    run_block(g, i < watched_blocks);
  }
  // Left alone, they would make a process that forks a multi-threaded one: ThreadSanitizer then sees nothing any more.
  if (sanitized && g.threads.front().fiber->watched()) g.threads.clear();
  acquire(&g.end);
  g.body = nullptr;
}

uint3 thread_index() { return running->index; }
uint3 block_index() { return grid().block; }
dim3 block_extent() { return grid().shape.block; }
dim3 grid_extent() { return grid().shape.grid; }
int lane() { return running->lane; }
unsigned char* shared_memory() { return grid().shared.begin(); }
std::uint64_t turns_taken() { return grid().turns; }

void block_barrier(Place place) {
  Grid& g = grid();
  Thread& t = *running;
  // Two objects in turn: with one, a thread that is already at the next barrier would order its accesses before those
  // of a late waker.
  void* barrier = &g.barriers[g.first_barrier + static_cast<std::size_t>(t.barriers_passed++ % 2)];
  release(barrier);
  {
    const Quiet quiet;
    t.at = place;
    t.state = Thread::State::at_barrier;
    t.fiber->leave();
  }
  acquire(barrier);
}

void warp_barrier(std::uint32_t mask, Place place) {
  Grid& g = grid();
  Thread& t = *running;
  const auto of_warp = static_cast<std::size_t>(2 + 2 * t.warp + t.warp_barriers_passed++ % 2);
  void* barrier = &g.barriers[g.first_barrier + of_warp];
  release(barrier);
  warp_operation(
      "__syncwarp", mask, nullptr, [](const WarpArguments&, std::uint32_t) {}, place);
  acquire(barrier);
}

void warp_operation(const char* name, std::uint32_t mask, void* argument,
                    void (*execute)(const WarpArguments&, std::uint32_t mask), Place place) {
  const Quiet quiet;
  Grid& g = grid();
  Thread& t = *running;
  Warp& w = g.warps[static_cast<std::size_t>(t.warp)];
  const auto lane = static_cast<std::size_t>(t.lane);
  t.at = place;
  if ((mask >> lane & 1U) == 0) die("a lane that its own mask does not name");
  if ((mask & w.exited) != 0) die("a mask that names an exited lane");
  w.names[lane] = name;
  w.masks[lane] = mask;
  w.arguments[lane] = argument;
  w.arrived |= 1U << lane;
  if ((w.arrived & mask) != mask) {
    t.state = Thread::State::at_warp;
    t.fiber->leave();
    return;
  }
  for (std::size_t i = 0; i < 32; ++i) {
    if ((mask >> i & 1U) == 0) continue;
    if (w.names[i] != name || w.masks[i] != mask) die("lanes of a warp met in different operations or masks");
  }
  execute(w.arguments, mask);
  w.arrived &= ~mask;
  for (std::size_t i = 0; i < 32; ++i) {
    if ((mask >> i & 1U) != 0 && i != lane) {
      g.threads[static_cast<std::size_t>(t.warp) * 32 + i].state = Thread::State::ready;
    }
  }
}

}  // namespace emulator
