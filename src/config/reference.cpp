#include "config/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <variant>

namespace scnn::config {
namespace {

constexpr std::size_t most_values = 200'000;
constexpr std::size_t longest_text = 65'536;

using Number = std::variant<std::int64_t, double>;

struct Failure {
  std::string message;
};
struct Silent {};  // the cause is reported already

double real(const Number& number) {
  return std::visit([](auto value) { return static_cast<double>(value); }, number);
}

Number number_of(const Node& node, const std::string& name) {
  if (node.kind == Kind::invalid) throw Silent{};
  if (node.kind == Kind::scalar && !node.quoted) {
    const char* end = node.text.data() + node.text.size();
    std::int64_t whole = 0;
    if (auto [stop, code] = std::from_chars(node.text.data(), end, whole); code == std::errc{} && stop == end)
      return whole;
    double value = 0;
    if (auto [stop, code] = std::from_chars(node.text.data(), end, value); code == std::errc{} && stop == end)
      return value;
  }
  throw Failure{"'" + name + "' is " + node.describe() + ", not a number"};
}

Number apply(char op, const Number& a, const Number& b) {
  if ((op == '/' || op == 'f') && real(b) == 0) throw Failure{"division by zero"};
  const auto* x = std::get_if<std::int64_t>(&a);
  const auto* y = std::get_if<std::int64_t>(&b);
  if (x && y) {
    std::int64_t out = 0;
    bool overflow = (op == '/' || op == 'f') && *y == -1 && *x == INT64_MIN;
    if (op == '+') overflow = __builtin_add_overflow(*x, *y, &out);
    if (op == '-') overflow = __builtin_sub_overflow(*x, *y, &out);
    if (op == '*') overflow = __builtin_mul_overflow(*x, *y, &out);
    if (overflow) throw Failure{"the result does not fit a 64-bit whole number"};
    if (op == 'f') return *x / *y - ((*x % *y != 0 && (*x < 0) != (*y < 0)) ? 1 : 0);
    if (op != '/') return out;
    if (*x % *y == 0) return *x / *y;
  }
  double out = 0;
  if (op == '+') out = real(a) + real(b);
  if (op == '-') out = real(a) - real(b);
  if (op == '*') out = real(a) * real(b);
  if (op == '/') out = real(a) / real(b);
  if (op == 'f') out = std::floor(real(a) / real(b));
  if (!std::isfinite(out)) throw Failure{"the result is not a finite number"};
  return out;
}

bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.'; }

}  // namespace

/// Recursive descent over: sum = product {(+|-) product}; product = factor {(*|/|//) factor};
/// factor = number | path | -factor | (sum).
class Expression {
 public:
  Expression(Resolver& resolver, std::string_view text, const Node& at, const Parameters& parameters)
      : resolver_(resolver), text_(text), at_(at), parameters_(parameters) {}

  Number evaluate() {
    const Number result = sum(0);
    skip();
    if (place_ < text_.size()) throw Failure{"'" + std::string(1, text_[place_]) + "' is not understood here"};
    return result;
  }

 private:
  void skip() {
    while (place_ < text_.size() && text_[place_] == ' ') ++place_;
  }
  bool take(std::string_view token) {
    skip();
    if (text_.substr(place_, token.size()) != token) return false;
    place_ += token.size();
    return true;
  }
  Number sum(int depth) {
    Number left = product(depth);
    while (true) {
      if (take("+"))
        left = apply('+', left, product(depth));
      else if (take("-"))
        left = apply('-', left, product(depth));
      else
        return left;
    }
  }
  Number product(int depth) {
    Number left = factor(depth);
    while (true) {
      if (take("//"))
        left = apply('f', left, factor(depth));
      else if (take("*"))
        left = apply('*', left, factor(depth));
      else if (take("/"))
        left = apply('/', left, factor(depth));
      else
        return left;
    }
  }
  Number factor(int depth) {
    if (depth > 64) throw Failure{"too many parentheses"};
    if (take("-")) return apply('-', Number{std::int64_t{0}}, factor(depth + 1));
    if (take("(")) {
      const Number inner = sum(depth + 1);
      if (!take(")")) throw Failure{"a ')' is missing"};
      return inner;
    }
    skip();
    const std::size_t start = place_;
    while (place_ < text_.size() && is_name(text_[place_])) ++place_;
    const std::string word(text_.substr(start, place_ - start));
    if (word.empty()) {
      throw Failure{place_ < text_.size() ? "'" + std::string(1, text_[place_]) + "' is not understood here"
                                          : "a value is missing at the end"};
    }
    if (std::isdigit(static_cast<unsigned char>(word[0])) || word[0] == '.') {
      Node node;
      node.kind = Kind::scalar;
      node.text = word;
      return number_of(node, word);
    }
    return number_of(resolver_.look_up(word, at_, parameters_), word);
  }

  Resolver& resolver_;
  std::string_view text_;
  const Node& at_;
  const Parameters& parameters_;
  std::size_t place_ = 0;
};

Node Resolver::fail(const Node& at, const std::string& message, const std::string& note, const std::string& footer) {
  diagnostics_.add({Code::reference, message, at.place, "", note, footer});
  Node broken;
  broken.kind = Kind::invalid;
  broken.place = at.place;
  return broken;
}

Node Resolver::look_up(const std::string& path, const Node& at, const Parameters& parameters) {
  std::vector<std::string> keys;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('.', start), path.size());
    keys.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  const auto parameter =
      std::find_if(parameters.begin(), parameters.end(), [&](const auto& entry) { return entry.first == keys[0]; });
  const Node* node = parameter != parameters.end() ? &parameter->second : &document_;
  std::vector<std::string> known;
  for (std::size_t k = parameter != parameters.end() ? 1 : 0; k < keys.size(); ++k) {
    const Node* next = node->kind == Kind::map ? node->find(keys[k]) : nullptr;
    if (!next && node->kind == Kind::sequence) {
      for (const Node& item : node->items) {
        const Node* name = item.find("name");
        if (name && name->text == keys[k]) next = &item;
      }
    }
    if (!next) {
      if (node->kind == Kind::invalid) throw Silent{};
      for (const Entry& entry : node->entries) known.push_back(entry.key);
      if (node == &document_) {
        for (const auto& entry : parameters) known.push_back(entry.first);
      }
      return fail(at, "nothing is called '" + path + "'", did_you_mean(keys[k], known),
                  "references see parameters, and the keys that the file writes out (not defaults)");
    }
    node = next;
  }
  if (parameter != parameters.end()) return *node;  // parameters are resolved where they are given
  if (std::find(active_.begin(), active_.end(), path) != active_.end()) {
    return fail(at, "references go round in a circle", "", join(active_, " -> ") + " -> " + path);
  }
  active_.push_back(path);
  Node resolved = resolve(*node, Parameters{});  // a value means the same wherever it is referred to
  active_.pop_back();
  return resolved;
}

Node Resolver::resolve_scalar(const Node& node, const Parameters& parameters) {
  Node out = node;
  out.text.clear();
  std::string_view rest = node.text;
  try {
    while (true) {
      const std::size_t open = rest.find("${");
      out.text += rest.substr(0, open);
      if (open == std::string_view::npos) return out;
      const std::size_t close = rest.find('}', open);
      if (close == std::string_view::npos) return fail(node, "'${' without '}'");
      std::string inside(rest.substr(open + 2, close - open - 2));
      inside.erase(0, std::min(inside.find_first_not_of(' '), inside.size()));
      inside.erase(inside.find_last_not_of(' ') + 1);
      const bool whole = open == 0 && close + 1 == rest.size() && rest.size() == node.text.size();
      const bool path = !inside.empty() && std::all_of(inside.begin(), inside.end(), is_name) &&
                        !std::isdigit(static_cast<unsigned char>(inside[0]));
      Node value;
      if (path) {
        value = look_up(inside, node, parameters);
        if (value.kind == Kind::invalid) throw Silent{};
      } else {
        const Number number = Expression(*this, inside, node, parameters).evaluate();
        value.kind = Kind::scalar;
        value.text = std::visit([](auto v) { return fmt::format("{}", v); }, number);
      }
      if (whole) {
        value.place = node.place;
        return value;
      }
      if (value.kind != Kind::scalar) return fail(node, "'" + inside + "' is " + value.describe() + ", not text");
      out.text += value.text;
      if (out.text.size() > longest_text) return fail(node, "the text grows beyond 64 KiB");
      rest.remove_prefix(close + 1);
    }
  } catch (const Failure& failure) {
    return fail(node, "cannot compute '" + node.text + "': " + failure.message);
  } catch (const Silent&) {
    out.kind = Kind::invalid;
    return out;
  }
}

Node Resolver::resolve(const Node& node, const Parameters& parameters) {
  if (++copied_ > most_values) {
    if (copied_ == most_values + 1) return fail(node, "references multiply the file beyond 200,000 values");
    Node broken;
    broken.kind = Kind::invalid;
    return broken;
  }
  if (node.kind == Kind::scalar) {
    return node.text.find("${") == std::string::npos ? node : resolve_scalar(node, parameters);
  }
  Node out;
  out.kind = node.kind;
  out.place = node.place;
  out.items.reserve(node.items.size());
  for (const Node& item : node.items) out.items.push_back(resolve(item, parameters));
  out.entries.reserve(node.entries.size());
  for (const Entry& entry : node.entries) {
    out.entries.push_back({entry.key, entry.place, resolve(entry.value, parameters)});
  }
  return out;
}

}  // namespace scnn::config
