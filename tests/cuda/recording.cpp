#include "catch.h"
#include "core/trace.h"
#include "gpu_0.h"
#include "schedule.h"
#include "scnn/backend/host_copy.h"
#include "training_run.h"
#if !defined(SCNN_TEST_ON_GPU)
#include "emulator/device.h"
#include "emulator/memory.h"
#endif

namespace scnn::test {
namespace {

NetworkBuilder with_dropout() {
  NetworkBuilder net(1, 8, 8);
  net.conv_bn_relu("conv1", 8).layer("drop", DropoutSpec{0.25F}).conv_bn_relu("conv2", 12);
  net.layer("pool", global_average()).layer("fc", LinearSpec{4, true});
  return net;
}

struct Silent : TraceSink {
  void begin(std::string_view, std::string_view) override {}
  void end() noexcept override {}
};

}  // namespace

#if !defined(SCNN_TEST_ON_GPU)
TEST_CASE("no graph outlives its recording, done or refused", "[cuda][recording]") {
  const auto backend = backend_for(gpu_0);
  Tensor x = backend->allocate({4});
  {
    const auto recording = backend->record([&] { backend->fill(x, 1); });
    recording->replay();
    backend->synchronize();
    CHECK(emulator::graphs_in_use() == 1);
  }
  CHECK_THROWS((void)backend->record([&] {
    backend->fill(x, 1);
    throw Error(ErrorKind::bug, "not this");
  }));
  CHECK(emulator::graphs_in_use() == 0);
}
#endif

TEST_CASE("recorded work is done at each replay, on what then stands in its tensors", "[cuda][recording]") {
  const auto backend = backend_for(gpu_0);
  REQUIRE(backend->records());
  Tensor x = backend->allocate({100});
  Tensor sum = backend->allocate({100});
  backend->fill(x, 1);
  const auto recording = backend->record([&] {
    Tensor twice = backend->allocate({100});  // memory of the graph's own
    backend->scale(x, 2, twice);
    backend->accumulate(twice, 1, sum);
  });
  CHECK(host_values(*backend, sum)[99] == 0);
#if !defined(SCNN_TEST_ON_GPU)
  const std::size_t in_use = emulator::device_bytes_in_use();
#endif
  recording->replay();
  recording->replay();
  CHECK(host_values(*backend, sum)[99] == 4);
  backend->fill(x, 10);
  recording->replay();
  CHECK(host_values(*backend, sum)[0] == 24);
#if !defined(SCNN_TEST_ON_GPU)
  CHECK(emulator::device_bytes_in_use() == in_use);
#endif
}

TEST_CASE("work that waits or brings host memory cannot be recorded, and leaves the backend whole",
          "[cuda][recording]") {
  const auto backend = backend_for(gpu_0);
  Tensor x = backend->allocate({4});
  const std::vector<float> ones(4, 1.0F);
  const auto refused = [&](const std::function<void()>& work) {
    try {
      (void)backend->record(work);
    } catch (const Error& error) {
      // CUDA itself refuses some of it, the stream the rest.
      const std::string message = error.what();
      return message == "recorded work waits" || message.find("not permitted") != std::string::npos;
    }
    return false;
  };
  CHECK(refused([&] { set_values(*backend, ones, x); }));
  CHECK(refused([&] { (void)host_values(*backend, x); }));
  CHECK(refused([&] { (void)backend->sum_of_squares(x); }));
  CHECK_THROWS_WITH((void)backend->record([&] { backend->synchronize(); }), "recorded work waits");
  CHECK_THROWS_WITH((void)backend->record([&] { (void)backend->record([] {}); }), "recorded work records itself");
  // Memory that was there before may not be freed by a graph.
  auto old = std::make_unique<Tensor>(backend->allocate({4}));
  CHECK_THROWS_WITH((void)backend->record([&] { old.reset(); }), "recorded work frees memory that was there before");
  old = std::make_unique<Tensor>(backend->allocate({4}));
  const auto free_and_go_on = [&] {
    old.reset();
    backend->fill(x, 1.0F);
  };
  CHECK_THROWS_WITH((void)backend->record(free_and_go_on), "recorded work frees memory that was there before");
  set_values(*backend, ones, x);
  CHECK(backend->sum_of_squares(x) == 4);
}

TEST_CASE("a backend told to make no graphs records nothing, and says so", "[cuda][recording]") {
  const auto backend = backend_for(gpu_0, {.graphs = false});
  CHECK_FALSE(backend->records());
  CHECK_THROWS_WITH((void)backend->record([] {}), "record: this backend does not record");
}

TEST_CASE("a step's random stream reads its number when the work is done", "[cuda][recording]") {
  const auto backend = backend_for(gpu_0);
  const auto plain = backend_for({}, {.threads = 1});
  const Shape shape{3, 5, 5, 7};
  Tensor x = backend->allocate(shape);
  Tensor y = backend->allocate(shape);
  Tensor step = backend->allocate({2}, DType::int32);
  backend->fill(x, 1);
  const RandomStream stream(7, step.data<std::int32_t>(), Stream::dropout, 3);
  const auto recording = backend->record([&] { backend->dropout(x, 0.5F, stream, y); });
  Tensor host_x = plain->allocate(shape);
  Tensor host_y = plain->allocate(shape);
  plain->fill(host_x, 1);
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{1} << 33}) {
    const std::vector<std::int32_t> words = {static_cast<std::int32_t>(number),
                                             static_cast<std::int32_t>(number >> 32)};
    backend->copy(Tensor::of(Shape{2}, std::span<const std::int32_t>(words)), step);
    recording->replay();
    plain->dropout(host_x, 0.5F, RandomStream::of_step(7, number, Stream::dropout, 3), host_y);
    CHECK(host_values(*backend, y) == host_values(*plain, host_y));
  }
}

TEST_CASE("recorded steps train to the same bits, across removals and evaluations", "[cuda][recording][train]") {
  TrainerOptions options = small_options();
  options.train.epochs = 3;
  options.train.schedule.type = ScheduleType::cosine;
  options.compression.gamma_ramp_epochs = 1;
  options.compression.gamma = 0.15;
  Training plain(gpu_0, options, with_dropout(), {.graphs = false});
  REQUIRE(plain.trainer->run());
  CHECK(plain.trainer->recordings() == 0);
  CHECK(plain.backend->peak_bytes() > 0);

#if !defined(SCNN_TEST_ON_GPU)
  const std::uint64_t before = emulator::device().graph_launches;
#endif
  Training recorded(gpu_0, options, with_dropout(), {.graphs = true});
  REQUIRE(recorded.trainer->run());
  REQUIRE_FALSE(recorded.removals.empty());
  CHECK(recorded.losses == plain.losses);
  CHECK(recorded.values() == plain.values());
  // 16 steps an epoch; one step after each change of memory is computed, the others are replayed.
  const std::int64_t recordings = recorded.trainer->recordings();
  CHECK(recordings >= 3);
  CHECK(recordings <= 5);
#if !defined(SCNN_TEST_ON_GPU)
  CHECK(emulator::device().graph_launches - before >= 48 - 8);
#endif

  Silent listener;
  const TraceListener listen(listener);
  Training heard(gpu_0, options, with_dropout(), {.graphs = true});
  REQUIRE(heard.trainer->run());
  CHECK(heard.trainer->recordings() == 0);
  CHECK(heard.losses == plain.losses);
}

TEST_CASE("a step is recorded anew only where memory has changed", "[cuda][recording][train]") {
  TrainerOptions options = small_options();
  options.train.epochs = 3;
  options.compression.gamma = 0;
  Training training(gpu_0, options);
  REQUIRE(training.trainer->run());
  REQUIRE(training.removals.empty());
  // At the start, and after the first evaluation, whose batches are larger.
  CHECK(training.trainer->recordings() <= 2);
}

TEST_CASE("after channels were taken out by hand a step is computed, not replayed from the old network",
          "[cuda][recording][train]") {
  TrainerOptions options = small_options();
  options.train.epochs = 1;
  options.compression.gamma = 0;
  const auto trained = [&](bool graphs) {
    Training training(gpu_0, options, with_dropout(), {.graphs = graphs});
    REQUIRE(training.trainer->run_until(5));
    std::vector<ChannelSet> left;
    for (const SetTable::Entry& entry : training.graph.sets().entries) left.push_back(entry.channels);
    const auto set = static_cast<std::size_t>(node(training.graph, "conv1").edge.set);
    left[set] = ChannelSet(left[set].original(), {0, 2, 3, 5});
    training.trainer->restrict_to(left);
    REQUIRE(training.trainer->run_until(10));
    CHECK((training.trainer->recordings() > 1) == graphs);
    return std::pair{training.losses, training.values()};
  };
  CHECK(trained(true) == trained(false));
}

TEST_CASE("a loss that is no number ends recorded training, too", "[cuda][recording][train]") {
  TrainerOptions options = small_options();
  options.train.optimizer.lr = 1e30;
  Training recorded(gpu_0, options, with_dropout(), {.graphs = true});
  CHECK_THROWS_WITH((void)recorded.trainer->run(), Catch::Matchers::Contains("is not a number"));
}

}  // namespace scnn::test
