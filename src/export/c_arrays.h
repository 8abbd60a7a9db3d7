#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace scnn::deploy {

/// Constant arrays of a generated C source, and how many bytes they take there.
class CArrays {
 public:
  /// Error(training) where a number is not finite.
  [[nodiscard]] std::string floats(const std::string& name, const std::vector<double>& values);
  [[nodiscard]] std::string whole(const char* type, std::size_t size, const std::string& name,
                                  const std::vector<std::int64_t>& values);
  [[nodiscard]] std::string pairs(const std::string& name, const std::vector<std::int64_t>& values);
  [[nodiscard]] std::string float_weights(const std::string& name, const std::vector<double>& values);
  /// A row for each output channel: bit for bit with their ranges, or as int8_t, int16_t or int32_t, whichever is
  /// smaller.
  [[nodiscard]] std::string integers(const std::string& name, const std::string& ranges,
                                     const std::vector<std::vector<std::int64_t>>& rows);

  /// Of the last weights: 0 bits, 1 int8_t, 2 int16_t, 3 int32_t, 4 float.
  [[nodiscard]] int last_form() const { return last_form_; }
  [[nodiscard]] bool has_form(int form) const { return forms_.at(static_cast<std::size_t>(form)); }
  /// The cases of next_row() for the forms there are.
  [[nodiscard]] std::string cases() const;
  /// The narrowest type that holds every range's minimum.
  [[nodiscard]] const char* minimum_type() const {
    return minimum_bytes_ == 1 ? "int8_t" : minimum_bytes_ == 2 ? "int16_t" : "int32_t";
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_ + ranges_ * 2 * minimum_bytes_; }

  /// `text` within a comment, and as a string literal.
  [[nodiscard]] static std::string comment(const std::string& text);
  [[nodiscard]] static std::string quoted(const std::string& text);

 private:
  void use(int form);

  std::size_t bytes_ = 0, ranges_ = 0, minimum_bytes_ = 1;
  std::array<bool, 5> forms_{};
  int last_form_ = 0;
};

}  // namespace scnn::deploy
