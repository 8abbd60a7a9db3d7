#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/file.h"
#include "sweep/page.h"

namespace scnn::cli {
namespace {

struct ReportArguments {
  std::vector<std::string> runs;
  std::string out, figures;
};

/// What a report comes to: where the page belongs, and everything in it.
struct Report {
  std::filesystem::path page;
  std::string html;
  std::vector<ReportFile> figures;
};

Report make_report(const std::vector<std::string>& paths) {
  if (std::any_of(paths.begin(), paths.end(), is_sweep)) {
    if (paths.size() > 1) throw Error(ErrorKind::usage, "a sweep has a page of its own: report it alone");
    std::filesystem::path folder = paths[0];
    const SweepPlan plan = open_sweep(folder);
    const SweepTable table = sweep_table(folder, plan);
    return {folder / "report.html", sweep_page(folder, plan, table), sweep_figures(plan, table)};
  }
  std::vector<ReportRun> runs;
  for (const std::string& path : paths) runs.push_back(load_report_run(path));
  if (runs.size() == 1) return {runs[0].path / "report.html", run_page(runs[0]), run_figures(runs[0])};
  return {"comparison.html", comparison_page(runs), comparison_figures(runs)};
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) {
    throw Error(ErrorKind::run_folder, "cannot make the folder " + folder.string() + ": " + code.message());
  }
}

int report(const Context& context, const ReportArguments& options) {
  const Report report = make_report(options.runs);
  const std::filesystem::path page = options.out.empty() ? report.page : std::filesystem::path(options.out);
  write_file(page, report.html);
  std::vector<std::string> figures;
  if (!options.figures.empty()) {
    make_folder(options.figures);
    for (const ReportFile& file : report.figures) {
      figures.push_back((std::filesystem::path(options.figures) / file.name).string());
      write_file(figures.back(), file.content);
    }
  }
  if (context.json) {
    std::cout << nlohmann::ordered_json{{"report", page.string()}, {"runs", options.runs}, {"figures", figures}}.dump(2)
              << '\n';
    return 0;
  }
  std::cout << page.string() << '\n';
  for (const std::string& figure : figures) std::cout << figure << '\n';
  return 0;
}

}  // namespace

void add_report(CLI::App& program, Context& context) {
  auto options = std::make_shared<ReportArguments>();
  CLI::App* command =
      program.add_subcommand("report", "write one self-contained HTML page about a run, several runs or a sweep");
  command->add_option("RUNS", options->runs, "run folders, or one sweep's folder")->required()->option_text(" ");
  command
      ->add_option("-o,--output", options->out, "the page; default RUN/report.html, for several runs comparison.html")
      ->type_name("FILE");
  command
      ->add_option("--figures", options->figures,
                   "also each chart as a drawing (SVG) and the data behind it (CSV), as files of this folder")
      ->type_name("DIR");
  command->callback(
      [&context, options] { context.action = [&context, options] { return report(context, *options); }; });
}

}  // namespace scnn::cli
