#include "scnn/experiment/report.h"

#include <algorithm>
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

std::filesystem::path write_sweep_page(std::filesystem::path folder, const std::string& out) {
  const SweepPlan plan = open_sweep(folder);
  const std::filesystem::path file = out.empty() ? folder / "report.html" : std::filesystem::path(out);
  write_file(file, sweep_page(folder, plan, sweep_table(folder, plan)));
  return file;
}

void print(const Context& context, const std::filesystem::path& out, const Options& options) {
  if (context.json) {
    std::cout << nlohmann::ordered_json{{"report", out.string()}, {"runs", options.runs}}.dump(2) << '\n';
  } else {
    std::cout << out.string() << '\n';
  }
}

int report(const Context& context, const Options& options) {
  if (std::any_of(options.runs.begin(), options.runs.end(), is_sweep)) {
    if (options.runs.size() > 1) throw Error(ErrorKind::usage, "a sweep has a page of its own: report it alone");
    print(context, write_sweep_page(options.runs[0], options.out), options);
    return 0;
  }
  std::vector<ReportRun> runs;
  for (const std::string& path : options.runs) runs.push_back(load_report_run(path));
  const bool one = runs.size() == 1;
  const std::filesystem::path out = !options.out.empty() ? std::filesystem::path(options.out)
                                    : one                ? runs[0].path / "report.html"
                                                         : "comparison.html";
  write_file(out, one ? run_page(runs[0]) : comparison_page(runs));
  print(context, out, options);
  return 0;
}

}  // namespace

void add_report(CLI::App& program, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      program.add_subcommand("report", "one self-contained HTML page on a run, on several side by side, or on a sweep");
  verb->add_option("RUNS", options->runs, "run folders, or one sweep's folder")->required()->option_text(" ");
  verb->add_option("-o,--output", options->out, "the file; default RUN/report.html, for several runs comparison.html")
      ->type_name("FILE");
  verb->callback([&context, options] { context.action = [&context, options] { return report(context, *options); }; });
}

}  // namespace scnn::cli
