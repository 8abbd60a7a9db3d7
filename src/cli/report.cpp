#include "scnn/experiment/report.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/verbs.h"
#include "scnn/core/file.h"

namespace scnn::cli {
namespace {

struct Options {
  std::vector<std::string> runs;
  std::string out;
};

int report(const Context& context, const Options& options) {
  std::vector<ReportRun> runs;
  for (const std::string& path : options.runs) runs.push_back(load_report_run(path));
  const bool one = runs.size() == 1;
  const std::filesystem::path out = !options.out.empty() ? std::filesystem::path(options.out)
                                    : one                ? runs[0].path / "report.html"
                                                         : "comparison.html";
  write_file(out, one ? run_page(runs[0]) : comparison_page(runs));
  if (context.json) {
    std::cout << nlohmann::ordered_json{{"report", out.string()}, {"runs", options.runs}}.dump(2) << '\n';
  } else {
    std::cout << out.string() << '\n';
  }
  return 0;
}

}  // namespace

void add_report(CLI::App& program, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      program.add_subcommand("report", "one self-contained HTML page on a run, or on several side by side");
  verb->add_option("RUNS", options->runs, "run folders")->required()->option_text(" ");
  verb->add_option("-o,--output", options->out, "the file; default RUN/report.html, for several runs comparison.html")
      ->type_name("FILE");
  verb->callback([&context, options] { context.action = [&context, options] { return report(context, *options); }; });
}

}  // namespace scnn::cli
