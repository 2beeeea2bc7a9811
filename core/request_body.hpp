#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/template.hpp"

namespace pawl::core {

/// Where a value goes in a request: a query parameter, or a place in the body (`body.variables.after`, `body.params.0`).
struct Into {
    std::string query;               ///< name of the parameter; "" : the body, or nowhere
    std::vector<std::string> path;   ///< names and indexes in the body

    [[nodiscard]] bool empty() const { return query.empty() && path.empty(); }
    [[nodiscard]] bool in_body() const { return !path.empty(); }
    /// `after`, or `body.variables.after`.
    [[nodiscard]] std::string text() const;
};

/// A request's body as the source file writes it: JSON whose texts are templates.
struct BodyNode {
    struct Member;
    enum class Kind : std::uint8_t {
        json,    ///< `text` is JSON: a number, true, false, null, or a text without placeholders
        text,    ///< `filled` becomes a text; one bare placeholder keeps the type of its value
        array, object,
    };
    Kind kind = Kind::json;
    std::string text = "null";
    Template filled;
    std::vector<Member> members;  ///< array: names are ""

    /// The node at `path`; nullptr: there is none.
    [[nodiscard]] const BodyNode* at(const std::vector<std::string>& path) const;
    /// Puts `json` at `path`; members that are missing on the way are made. Throws PermanentError where the way leads
    /// through a value or beyond the end of an array.
    void put(const std::vector<std::string>& path, std::string json);
    /// Without placeholders. Throws PermanentError naming the one whose value is missing or null.
    [[nodiscard]] BodyNode fill(const TemplateScope& scope) const;
    /// JSON text of a node that was filled.
    [[nodiscard]] std::string json() const;
    /// `a=1&b=x` (application/x-www-form-urlencoded) of a flat object that was filled.
    [[nodiscard]] std::string form() const;
    /// All templates in it.
    void add_templates(std::vector<Template>& templates) const;
};

struct BodyNode::Member {
    std::string name;
    BodyNode value;
};

struct RequestBody {
    enum class Kind : std::uint8_t { none, json, form };
    Kind kind = Kind::none;
    BodyNode root;

    [[nodiscard]] std::string_view content_type() const;
};

/// A JSON text of `text`; bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string json_text(std::string_view text);

}  // namespace pawl::core
