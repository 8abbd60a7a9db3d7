#include "measure/bench_worker.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/process.h"
#include "record/records.h"

namespace scnn {

BenchWorker::BenchWorker(std::string name, const std::vector<std::string>& program) : name_(std::move(name)) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw Error(ErrorKind::device, name_ + " cannot be started: " + std::strerror(errno));
  }
  socket_ = Descriptor(ends[0]);
  const Descriptor theirs(ends[1]);
  const Redirection redirections[] = {{theirs.get(), STDIN_FILENO}, {theirs.get(), STDOUT_FILENO}};
  const int failure = start_program(program, redirections, child_);
  if (failure != 0) throw Error(ErrorKind::device, name_ + " cannot be started: " + std::strerror(failure));
}

BenchWorker::~BenchWorker() {
  ::shutdown(socket_.get(), SHUT_WR);
  while (child_ > 0 && ::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

double BenchWorker::run(int batch, double seconds) { return ask(fmt::format("run {} {}", batch, seconds), "seconds"); }

double BenchWorker::ask(const std::string& command, const char* answer) {
  const std::string line = command + "\n";
  // A worker that died is told by its missing answer.
  if (::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) pending_.clear();
  std::array<char, 512> buffer{};
  while (pending_.find('\n') == std::string::npos) {
    const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Error(ErrorKind::device, name_ + " ended without an answer: its message stands above");
    pending_.append(buffer.data(), static_cast<std::size_t>(n));
  }
  const std::string reply = pending_.substr(0, pending_.find('\n'));
  pending_.erase(0, reply.size() + 1);
  const Json json = Json::parse(reply, nullptr, false);
  if (!json.is_object() || !json.contains(answer) || !json[answer].is_number()) {
    throw Error(ErrorKind::device, name_ + " answered '" + reply + "'");
  }
  return json[answer].get<double>();
}

}  // namespace scnn
