#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/expression.hpp"

namespace pawl::core {

/// Text with `{placeholder}`s, filled per request: `/repos/{login}/{name}`, `{lower(login)}/{lower(name)}`, `{list.url}`.
/// A placeholder is a name (of the parent row or list entry), `parent.x`, `list.x`, `key` (a credential), or
/// lower/upper/trim of one. `{{` and `}}` stand for braces.
class Template {
  public:
    enum class Escape : std::uint8_t { none, url_component };
    struct Part {
        std::string literal;      ///< when `name` is empty
        std::string name;         ///< as written: "login", "parent.repo_id"
        std::string function;     ///< "", "lower", "upper", "trim"
    };

    Template() = default;
    /// Throws ExpressionError (core/expression.hpp) when it does not parse.
    [[nodiscard]] static Template compile(std::string_view text);

    /// Fills the placeholders. Throws PermanentError naming the placeholder whose value is missing or null.
    /// Escaping applies to the values, not to the literal text. A template that is one bare placeholder is not escaped
    /// when `Escape::url_component` is asked for and the value is a whole URL (`url: "{list.url}"`).
    [[nodiscard]] std::string fill(const NamedValues* parent, const NamedValues* list, Escape escape) const;
    /// The value of a template that is one bare placeholder, with its type; nullopt for any other. Throws as fill does.
    [[nodiscard]] std::optional<Value> sole_value(const NamedValues* parent, const NamedValues* list) const;
    /// The same with a single name → value: for `Bearer {key}`.
    [[nodiscard]] std::string fill(std::string_view name, std::string_view value) const;

    [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] bool empty() const { return text_.empty(); }

  private:
    std::vector<Part> parts_;
    std::string text_;
};

}  // namespace pawl::core
