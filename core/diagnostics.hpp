#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors.hpp"

namespace pawl::core {

/// A place in a text, both counted from 1; line 0 means the file as a whole. Columns count bytes.
struct Position {
    int line = 0;
    int column = 0;
    friend auto operator<=>(const Position&, const Position&) = default;
};

/// Something in a file that a person must edit.
struct Problem {
    std::string file;  ///< or where else it came from: "PAWL_REDIS_URL", "--redis.url"
    Position at;
    std::string message;      ///< what is wrong, one sentence without a full stop
    std::string hint;         ///< what to do about it; may be empty
    std::string source_line;  ///< the line `at` points into; may be empty

    /// `file:line:column: message`, the line with a caret below the place, and the hint. Secrets
    /// are redacted, and what is no UTF-8 is U+FFFD: `--json` has no other.
    [[nodiscard]] std::string render() const;
};

/// Everything that is wrong with a file, at once. what() is the rendered list.
struct ProblemsError : ConfigError {
    explicit ProblemsError(std::vector<Problem> all);
    std::vector<Problem> problems;  ///< in the order of the file
};

inline constexpr std::size_t problems_max = 1'000;

/// Collects the problems of one file.
class Problems {
  public:
    Problems(std::string file, std::string_view text);

    /// The same message at the same place is kept once. Throws ProblemsError beyond problems_max: nobody reads more.
    void add(Position at, std::string message, std::string hint = "");
    [[nodiscard]] bool empty() const { return found_.empty(); }
    /// Throws ProblemsError when there is any.
    void throw_if_any() const;

  private:
    std::string file_;
    std::vector<std::string> lines_;
    std::vector<Problem> found_;
};

/// The candidate that `word` was probably meant to be: at most a third of its letters differ
/// (swapped neighbours count once). Empty when none is close.
[[nodiscard]] std::string closest(std::string_view word,
                                  const std::vector<std::string>& candidates);
/// `did you mean "paginate"?`, or empty.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       const std::vector<std::string>& candidates);
/// `a, b and c`
[[nodiscard]] std::string enumerate(const std::vector<std::string>& words,
                                    std::string_view last_joiner = "and");

}  // namespace pawl::core
