#include "sweep/child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include "catch.h"
#include "scnn/core/error.h"
#include "temporary_folder.h"

using namespace scnn;

namespace {

int wait_for(Child& child) {
  for (;;) {
    if (const auto code = child.ended()) return *code;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

std::string text_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> shell(const std::string& script) { return {"sh", "-c", script}; }

const Descriptor no_claim(-1);

}  // namespace

TEST_CASE("a child's output is appended, its code or signal told") {
  const test::TemporaryFolder place;
  const auto log = place.write("log", "before\n");
  Child first("/bin/sh", shell("cat; echo out; echo err >&2; exit 9"), log, no_claim);
  CHECK(wait_for(first) == 9);
  CHECK(text_in(log) == "before\nout\nerr\n");
  Child killed("/bin/sh", shell("kill -9 $$"), log, no_claim);
  CHECK(wait_for(killed) == 128 + SIGKILL);
  killed.signal(SIGTERM);
  Child absent("/nowhere", {"nowhere"}, log, no_claim);
  CHECK(wait_for(absent) == 127);
  CHECK_THROWS_AS(Child("/bin/sh", shell("true"), place / "absent/log", no_claim), Error);
}

TEST_CASE("what was claimed for a child stays locked until it has ended") {
  const test::TemporaryFolder place;
  auto claim = lock_file(place / "lock");
  REQUIRE(claim.has_value());
  Child child("/bin/sh", shell("echo ready; exec sleep 60"), place / "log", *claim);
  while (text_in(place / "log") != "ready\n") std::this_thread::sleep_for(std::chrono::milliseconds(2));
  claim.reset();
  CHECK_FALSE(lock_file(place / "lock").has_value());
  child.signal(SIGKILL);
  wait_for(child);
  CHECK(lock_file(place / "lock").has_value());
}

TEST_CASE("a child gets the signals sent to it, also where its parent blocks them") {
  const test::TemporaryFolder place;
  sigset_t blocked, before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  Child child("/bin/sleep", {"sleep", "60"}, place / "log", no_claim);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK_FALSE(child.ended());
  child.signal(SIGTERM);
  CHECK(wait_for(child) == 128 + SIGTERM);
}

TEST_CASE("a child has a process group of its own: a Ctrl-C on the terminal is its parent's") {
  const test::TemporaryFolder place;
  Child child("/bin/sh", shell("cut -d' ' -f5 /proc/$$/stat; echo $$"), place / "log", no_claim);
  CHECK(wait_for(child) == 0);
  const std::string text = text_in(place / "log");
  const std::string group = text.substr(0, text.find('\n'));
  CHECK(text == group + "\n" + group + "\n");
}

TEST_CASE("a child ends with its parent, however that ends") {
  const test::TemporaryFolder place;
  const auto log = place / "log";
  const pid_t parent = ::fork();
  if (parent == 0) {
    const Child child("/bin/sh", shell("trap 'echo asked; exit' TERM; echo ready; while :; do sleep 0.01; done"), log,
                      no_claim);
    for (;;) ::pause();
  }
  while (text_in(log) != "ready\n") std::this_thread::sleep_for(std::chrono::milliseconds(2));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  for (int i = 0; i < 5000 && text_in(log) != "ready\nasked\n"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  CHECK(text_in(log) == "ready\nasked\n");
}
