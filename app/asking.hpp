#pragma once

#include <iosfwd>
#include <string>

namespace pawl::app {

/// The person before the command, where one is.
struct Asked {
    std::istream& answers;
    std::ostream& questions;
    bool is_terminal;  ///< somebody can answer

    /// stdin and stderr of the process.
    static Asked by_terminal();
};

/// Asks yes or no; `yes`: it was said beforehand. Throws UsageError, with the question and how to say it beforehand, where
/// nobody can be asked.
[[nodiscard]] bool is_wanted(const std::string& question, bool yes, const Asked& person = Asked::by_terminal());
/// The same for what cannot be undone: `word` has to be typed.
[[nodiscard]] bool is_confirmed(const std::string& question, const std::string& word, bool yes,
                                const Asked& person = Asked::by_terminal());

}  // namespace pawl::app
