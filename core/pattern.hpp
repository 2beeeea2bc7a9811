#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pawl::core {

/// A regular expression in Perl's syntax; ^ and $ stand at lines.
class Pattern {
  public:
    /// Throws ExpressionError (core/expression.hpp) with the column inside `text`.
    [[nodiscard]] static Pattern compile(const std::string& text);

    /// What the first group took at the first match, or the match itself where the pattern has no groups. nullopt where
    /// nothing matches, where the group took no part, and where the search takes too many steps. Looks at the first 64 KiB.
    [[nodiscard]] std::optional<std::string> find(std::string_view text) const;

  private:
    struct Compiled;
    std::shared_ptr<const Compiled> compiled_;
};

}  // namespace pawl::core
