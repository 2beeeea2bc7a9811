#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_document.hpp"
#include "core/value.hpp"

namespace pawl::core {

/// Named text values of a partition: a list entry (`list.x`, or `x` itself in templates) or a parent row (`parent.x`).
/// Small JSON object text, parsed once per page. Numbers keep their source text.
struct NamedValues {
    std::vector<std::pair<std::string, Value>> entries;
    [[nodiscard]] const Value* find(std::string_view name) const;
};

/// What an expression may look at while it is evaluated.
struct Scope {
    const JsonDocument* document = nullptr;        ///< `$$` is its root
    JsonDocument::Node record = JsonDocument::none;  ///< `$`; with `key`/`value` inside entries()
    std::optional<std::string_view> entry_key;     ///< `key` inside entries()
    const NamedValues* parent = nullptr;
    const NamedValues* list = nullptr;
    const NamedValues* header = nullptr;           ///< response headers, names in lower case with - as _
    const NamedValues* link = nullptr;             ///< "last.page" → "34": query parameters of RFC 8288 links by relation
    const NamedValues* window = nullptr;           ///< `window.start`, `window.end`: ISO 8601
    std::optional<std::int64_t> now;               ///< when the walk began, microseconds since 1970: the same for all its pages
    std::optional<std::string_view> part;          ///< `$` inside split(), instead of the record
    Arena* arena = nullptr;                        ///< keeps what is computed
};

/// What a path may yield when it stands for several records (`each`).
struct Record {
    JsonDocument::Node node = JsonDocument::none;
    std::optional<std::string> key;  ///< for entries(): the member's name; for split(): the part
    bool is_part = false;            ///< of split(): `$` is `key`, and `node` the record it is from
};

/// Bound of a path: no document that is read is nested deeper (JsonBounds::depth_max).
inline constexpr std::size_t path_steps_max = 128;

/// An expression of a source file: `$.a.b[0].c`, `$$`, `parent.x`, `list.x`, `window.start`, `header.x`, `link.last.page`,
/// `key`, `value`, literals, `a ?? b`, conditions, `… as TYPE`, and a closed set of functions. Compiled once per stream,
/// evaluated per record.
class Expression {
  public:
    struct Node;  // the compiled tree, in expression_tree.hpp

    /// Throws ExpressionError (with the column inside `text`) when it does not parse or names something unknown.
    [[nodiscard]] static Expression compile(std::string_view text);
    /// The inside of a {placeholder}: names alone are those of the parent row, then of the list entry; there is no response.
    [[nodiscard]] static Expression compile_placeholder(std::string_view text);

    /// The value in `scope`; what is missing is null. Never throws for what data may hold.
    [[nodiscard]] Value evaluate(const Scope& scope) const;
    /// The records an `each` or `records` path yields in `scope`: `$.items[*]`, `$[*].user`, `entries($)`, and the parts of
    /// `split($.tags, ',')`. For another path the one node it denotes; nothing when it is missing or null. At most
    /// `records_max`; more throws PermanentError.
    [[nodiscard]] std::vector<Record> records(const Scope& scope, std::size_t records_max = 1'000'000) const;
    /// The same where nothing but `document` is in scope, and `$` is `start`.
    [[nodiscard]] std::vector<Record> records(const JsonDocument& document, JsonDocument::Node start,
                                              std::size_t records_max = 1'000'000) const;

    /// Adds to `root`, and to `records` where the path begins at the record, what evaluate() will look at.
    void want(const std::vector<JsonProjection*>& records, JsonProjection& root) const;
    /// The same for an `each` or `records` path; returns where its records will be looked at.
    [[nodiscard]] std::vector<JsonProjection*> want_records(const std::vector<JsonProjection*>& records,
                                                            JsonProjection& root) const;

    /// The column type that is known without data: from `as`, or from a function that has only one (count → bigint).
    [[nodiscard]] std::optional<ColumnType> static_type() const;
    /// Names used behind `parent.`, `list.`, `header.`; true when `link.` is used.
    [[nodiscard]] std::vector<std::string> parent_names() const;
    [[nodiscard]] std::vector<std::string> list_names() const;
    [[nodiscard]] std::vector<std::string> header_names() const;
    /// Names that stand alone, in a placeholder.
    [[nodiscard]] std::vector<std::string> bare_names() const;
    [[nodiscard]] bool uses_link() const;
    [[nodiscard]] bool uses_window() const;
    /// True when the value depends on the single record (`$`, `key`, `value`), not just on `$$`, parent, list, header, link.
    [[nodiscard]] bool uses_record() const;
    /// True when the value depends on a response at all; else it is known before anything is asked.
    [[nodiscard]] bool uses_response() const;
    /// True for paths with [*], entries() and split(): good for `records` and `each`.
    [[nodiscard]] bool yields_many() const;
    /// True where evaluate() gives a value: paths with [*] and entries() have none.
    [[nodiscard]] bool has_value() const;
    /// True for split(), whose parts are no nodes of the document.
    [[nodiscard]] bool yields_parts() const;
    /// A name alone (`x`, `parent.x`, `list.x`), or a function of one such name.
    struct Plain {
        std::string name;      ///< as written
        std::string function;  ///< may be empty
    };
    [[nodiscard]] std::optional<Plain> plain() const;
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    std::shared_ptr<const Node> root_;
    std::string text_;
};

/// What conditions take for true: all but null, false, 0, empty text and the texts 0 and false.
[[nodiscard]] bool is_true(const Value& value);

/// Where and why an expression or template does not compile; `column` counts from 0 inside its text.
struct ExpressionError : std::runtime_error {
    ExpressionError(const std::string& what, std::size_t at) : std::runtime_error(what), column(at) {}
    std::size_t column;
};

}  // namespace pawl::core
