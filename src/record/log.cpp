#include "record/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "core/escape.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

/// "%v" that control characters of names do not get through.
class VisibleText : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/, spdlog::memory_buf_t& out) override {
    const std::string text = escape_control_characters({message.payload.data(), message.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<VisibleText>();
  }
};

void set_pattern(spdlog::sinks::sink& sink, const char* pattern) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<VisibleText>('v').set_pattern(pattern);
  sink.set_formatter(std::move(formatter));
}

}  // namespace

void set_up_log(int verbosity, bool colour) {
  spdlog::sink_ptr sink;
  if (colour) {
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  sink->set_level(verbosity > 0 ? spdlog::level::info : verbosity < 0 ? spdlog::level::err : spdlog::level::warn);
  set_pattern(*sink, "%^%l%$: %v");
  auto logger = std::make_shared<spdlog::logger>("scnn", sink);
  logger->set_level(spdlog::level::debug);
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

void log_to_file(const std::filesystem::path& path) {
  auto& sinks = spdlog::default_logger()->sinks();
  if (sinks.size() > 1) sinks.resize(1);
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
    sink->set_level(spdlog::level::debug);
    set_pattern(*sink, "%Y-%m-%dT%H:%M:%S.%e %l %v");
    sinks.push_back(std::move(sink));
  } catch (const spdlog::spdlog_ex& error) {
    throw Error(ErrorKind::run_folder,
                std::string("cannot write the log: ") + error.what() + "; free some space or choose another place");
  }
}

}  // namespace scnn
