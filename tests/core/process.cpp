#include "core/process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "catch.h"

namespace scnn::test {

TEST_CASE("programs run without a shell, with nothing on stdin") {
  CHECK(run_program({"printf", "%s", "$HOME; `ls` *"}).output == "$HOME; `ls` *");
  CHECK(run_program({"sh", "-c", "cat; echo out; echo err >&2"}).output == "out\nerr");
  CHECK(run_program({"false"}).status == 1);
  CHECK(run_program({"sh", "-c", "kill -9 $$"}).status == -1);
  CHECK_FALSE(run_program({"scnn-no-such-program"}).started);
}

TEST_CASE("a started program has its redirections and hears signals") {
  pid_t child = 0;
  CHECK(start_program({"scnn-no-such-program"}, {}, child) == ENOENT);

  sigset_t term, before;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &term, &before);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const Redirection to_pipe[] = {{ends[1], STDERR_FILENO}};
  REQUIRE(start_program({"sh", "-c", "echo started >&2; exec sleep 100"}, to_pipe, child) == 0);
  char text[8] = {};
  CHECK(::read(ends[0], text, 7) == 7);
  CHECK(std::string(text) == "started");
  ::kill(child, SIGTERM);
  int status = 0;
  // A signal that the child had inherited as blocked would leave it asleep.
  for (int i = 0; i < 500 && ::waitpid(child, &status, WNOHANG) == 0; ++i) ::usleep(10000);
  CHECK(WIFSIGNALED(status));
  if (!WIFSIGNALED(status)) ::kill(child, SIGKILL);
  ::close(ends[0]);
  ::close(ends[1]);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace scnn::test
