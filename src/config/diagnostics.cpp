#include "config/diagnostics.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <numeric>

#include "core/escape.h"
#include "scnn/core/error.h"

namespace scnn::config {
namespace {

constexpr std::size_t most_problems = 50;
constexpr std::size_t widest_line = 110;

/// Optimal string alignment distance, ignoring case: insertions, deletions, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  std::iota(d[0].begin(), d[0].end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

/// Columns are bytes; a caret lines up under characters.
std::size_t characters(std::string_view bytes) {
  return static_cast<std::size_t>(std::count_if(
      bytes.begin(), bytes.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void print_line(std::string& out, const Problem& problem) {
  const SourceLocation& place = problem.place;
  if (!place.source || place.line < 1 || place.line > static_cast<int>(place.source->lines.size())) return;
  std::string line = place.source->lines[static_cast<std::size_t>(place.line - 1)];
  std::size_t start = std::min(static_cast<std::size_t>(std::max(place.column, 1) - 1), line.size());
  if (line.size() > widest_line) {
    // Keep the window on character boundaries, which are at most 3 bytes away unless the text is broken.
    std::size_t from = start > widest_line / 2 ? start - widest_line / 2 : 0;
    const auto inside = [&](std::size_t at) { return (static_cast<unsigned char>(line[at]) & 0xC0U) == 0x80U; };
    for (int step = 0; step < 3 && from > 0 && inside(from); ++step) --from;
    std::size_t to = std::min(line.size(), from + widest_line);
    for (int step = 0; step < 3 && to < line.size() && inside(to); ++step) ++to;
    line = line.substr(from, to - from);
    start -= from;
  }
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  const std::size_t length = std::clamp<std::size_t>(static_cast<std::size_t>(std::max(place.length, 1)), 1,
                                                     std::max<std::size_t>(line.size() - start, 1));
  const std::size_t marks = std::max<std::size_t>(characters(std::string_view(line).substr(start, length)), 1);
  const std::string number = place.source->is_override ? "" : std::to_string(place.line);
  const std::string bar = place.source->is_override ? "   " : " | ";
  const std::string margin(number.size() < 6 ? 6 - number.size() : 0, ' ');
  out += margin + number + bar + line + "\n";
  out += std::string(margin.size() + number.size(), ' ') + bar +
         std::string(characters(std::string_view(line).substr(0, start)), ' ') + std::string(marks, '^');
  if (!problem.note.empty()) out += " " + problem.note;
  out += "\n";
}

std::string print(const Problem& problem) {
  std::string out = "error[E" + std::to_string(static_cast<int>(problem.code)) + "] " + problem.message + "\n";
  if (problem.place.source) {
    out += "  " + problem.place.str();
    if (!problem.context.empty()) out += "  in " + problem.context;
    out += "\n";
    print_line(out, problem);
  } else if (!problem.note.empty()) {
    out += "  " + problem.note + "\n";
  }
  if (!problem.footer.empty()) out += "  " + problem.footer + "\n";
  return escape_control_characters(out);
}

}  // namespace

std::string SourceLocation::str() const {
  if (!source) return "";
  if (source->is_override) return "override '" + source->name + "'";
  if (line < 1) return source->name;
  return source->name + ":" + std::to_string(line) + ":" + std::to_string(column);
}

void Diagnostics::raise() const {
  if (problems_.empty()) return;
  std::map<const Source*, std::size_t> order;  // files in the order of their first mistake
  for (const Problem& problem : problems_) order.emplace(problem.place.source.get(), order.size());
  std::vector<const Problem*> sorted;
  for (const Problem& problem : problems_) sorted.push_back(&problem);
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Problem* a, const Problem* b) {
    const std::size_t first = order.at(a->place.source.get()), second = order.at(b->place.source.get());
    if (first != second) return first < second;
    return std::pair(a->place.line, a->place.column) < std::pair(b->place.line, b->place.column);
  });
  std::string text;
  std::vector<std::string> seen;  // a block used twice repeats its mistakes
  std::size_t left_out = 0;
  for (const Problem* problem : sorted) {
    std::string one = print(*problem);
    if (std::find(seen.begin(), seen.end(), one) != seen.end()) continue;
    if (seen.size() == most_problems) {
      ++left_out;
      continue;
    }
    text += (text.empty() ? "" : "\n") + one;
    seen.push_back(std::move(one));
  }
  if (left_out > 0) text += "\nand " + std::to_string(left_out) + " more\n";
  if (!text.empty()) text.pop_back();
  throw Error(ErrorKind::experiment, text);
}

std::string_view nearest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t longest = 64;
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  if (word.size() > longest) return best;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > longest) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const std::string_view best = nearest(word, candidates);
  return best.empty() ? "" : "did you mean '" + std::string(best) + "'?";
}

std::string join(std::span<const std::string> words, std::string_view separator) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += separator;
    out += word;
  }
  return out;
}

}  // namespace scnn::config
