#include "files.h"
#include "networks.h"

using namespace scnn;

namespace {

constexpr std::size_t images = test::case_images;

class Loaded {
 public:
  Loaded(const std::vector<std::byte>& file, const scnn_rt_options& options) {
    scnn_rt_error error = {};
    (void)scnn_rt_load(file.data(), file.size(), &options, nullptr, 0, &runtime_, &error);
    INFO(error.message);
    REQUIRE(error.status == SCNN_RT_OK);
  }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
  ~Loaded() { scnn_rt_free(runtime_); }
  [[nodiscard]] scnn_runtime* get() const { return runtime_; }

 private:
  scnn_runtime* runtime_ = nullptr;
};

std::vector<float> run(const Loaded& loaded, const float* x, std::size_t n) {
  std::vector<float> logits(n * static_cast<std::size_t>(scnn_rt_describe(loaded.get()).classes));
  REQUIRE(scnn_rt_run(loaded.get(), x, n, logits.data()) == SCNN_RT_OK);
  return logits;
}

/// In some networks sums cancel; there the program itself is 1e-5 and more away from exact sums.
void compare(scnn_rt_path path, std::uint64_t networks) {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  std::uint64_t inexact = 0;
  for (std::uint64_t seed = 0; seed < networks; ++seed) {
    INFO("network " << seed);
    const test::NetworkCase c = test::make_case(20'000 + seed, *backend);
    const Loaded loaded(c.file, {1, path, SCNN_RT_AS_CALIBRATED});
    const double found = test::logit_difference(run(loaded, c.x.data<float>(), images), c.logits);
    CHECK(found < 1e-4);
    inexact += found < 1e-5 ? 0 : 1;
  }
  CHECK(inexact <= networks / 200);
}

}  // namespace

TEST_CASE("logits of 1,000 random networks are the program's: portable") { compare(SCNN_RT_PORTABLE, 1'000); }

TEST_CASE("logits of 1,000 random networks are the program's: AVX2") {
  if (!test::has(SCNN_RT_AVX2)) SCNN_SKIP("this processor has no AVX2");
  compare(SCNN_RT_AVX2, 1'000);
}

TEST_CASE("logits of 1,000 random networks are the program's: AVX-512") {
  if (!test::has(SCNN_RT_AVX512)) SCNN_SKIP("this processor has no AVX-512 with VNNI");
  compare(SCNN_RT_AVX512, 1'000);
}

TEST_CASE("threads share images and, of one image, layers: the same bits as one thread") {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const test::NetworkCase c = test::make_case(30'000 + seed, *backend);
    const Loaded one(c.file, {1, SCNN_RT_AUTO, SCNN_RT_AS_CALIBRATED});
    const Loaded three(c.file, {3, SCNN_RT_AUTO, SCNN_RT_AS_CALIBRATED});
    const auto expected = run(one, c.x.data<float>(), images);
    CHECK(run(three, c.x.data<float>(), images) == expected);
    const std::size_t classes = expected.size() / images, size = static_cast<std::size_t>(c.x.size()) / images;
    for (std::size_t i = 0; i < images; ++i) {
      const std::vector<float> single(expected.begin() + static_cast<std::ptrdiff_t>(i * classes),
                                      expected.begin() + static_cast<std::ptrdiff_t>((i + 1) * classes));
      CHECK(run(three, c.x.data<float>() + i * size, 1) == single);
    }
  }
}
