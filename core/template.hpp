#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/expression.hpp"

namespace pawl::core {

/// What the placeholders of a template may look at.
struct TemplateScope {
    const NamedValues* parent = nullptr;
    const NamedValues* list = nullptr;
    const NamedValues* window = nullptr;
    std::optional<std::int64_t> now = {};  ///< when the walk began, microseconds since 1970
};

/// Text with `{placeholder}`s, filled per request: `/repos/{login}/{name}`, `{lower(login)}/{lower(name)}`, `{list.url}`,
/// `{format_time(window.start, '%Y-%m-%d')}`. A placeholder is an expression (core/expression.hpp) that sees no response; a
/// name alone is looked up in the parent row, then in the list entry. `{{` and `}}` stand for braces.
class Template {
  public:
    enum class Escape : std::uint8_t { none, url_component };
    struct Part {
        std::string literal;                   ///< where there is no `value`
        std::optional<Expression> value = {};  ///< its text() is what stands between the braces
        std::size_t column = 0;                ///< of the opening brace
        /// A name, or lower(), upper(), trim() of one: what SQL says as well. Nothing for other placeholders.
        std::optional<Expression::Plain> plain = {};
    };

    Template() = default;
    /// Throws ExpressionError (core/expression.hpp) when it does not parse.
    [[nodiscard]] static Template compile(std::string_view text);

    /// Fills the placeholders. Throws PermanentError naming the placeholder whose value is missing or null.
    /// Escaping applies to the values, not to the literal text. A template that is one bare placeholder is not escaped
    /// when `Escape::url_component` is asked for and the value is a whole URL (`url: "{list.url}"`).
    [[nodiscard]] std::string fill(const TemplateScope& scope, Escape escape) const;
    /// The value of a template that is one placeholder, with its type; nullopt for any other. Throws as fill does.
    [[nodiscard]] std::optional<Value> sole_value(const TemplateScope& scope, Arena& arena) const;
    /// The same with a single name → value: for `Bearer {key}`.
    [[nodiscard]] std::string fill(std::string_view name, std::string_view value) const;

    /// A name in a placeholder, as `check` tells it.
    struct Name {
        std::string scoped;      ///< as written: "login", "parent.repo_id", "list.url"
        bool is_needed = false;  ///< stands alone in its placeholder: without a value there is no request
    };
    [[nodiscard]] std::vector<Name> names() const;
    [[nodiscard]] bool uses_window() const;

    [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] bool empty() const { return text_.empty(); }

  private:
    [[nodiscard]] Value value_of(const Part& part, const TemplateScope& scope, Arena& arena) const;

    std::vector<Part> parts_;
    std::string text_;
};

}  // namespace pawl::core
