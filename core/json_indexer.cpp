#include "core/json_indexer.hpp"

#include <simdjson.h>

#include <cstring>

#include "core/characters.hpp"
#include "core/errors.hpp"
#include "core/json_projection.hpp"
#include "core/unicode.hpp"

// One pass over a text with simdjson On-Demand. On-Demand checks what it is asked for; what nobody asks for it steps over
// by counting brackets. A text that was never checked is therefore visited whole, whatever is wanted of it.
namespace pawl::core {

namespace ondemand = simdjson::ondemand;

namespace {

using Node = JsonDocument::Node;

constexpr std::size_t shared_parser_max = 4u << 20;  // larger bodies do not leave their buffers behind
constexpr std::size_t bytes_per_value = 24;          // by experience with API pages: 20 to 30

[[noreturn]] void refuse(std::size_t offset, std::string_view reason) {
    throw PermanentError("not valid JSON at byte " + std::to_string(offset) + ": " + std::string(reason));
}

/// RFC 8259, section 6.
bool is_number(std::string_view t) {
    std::size_t i = 0;
    if (i < t.size() && t[i] == '-') ++i;
    if (i == t.size() || !is_digit(t[i])) return false;
    if (t[i] == '0') ++i;
    else while (i < t.size() && is_digit(t[i])) ++i;
    if (i < t.size() && t[i] == '.') {
        const std::size_t first = ++i;
        while (i < t.size() && is_digit(t[i])) ++i;
        if (i == first) return false;
    }
    if (i < t.size() && (t[i] == 'e' || t[i] == 'E')) {
        ++i;
        if (i < t.size() && (t[i] == '+' || t[i] == '-')) ++i;
        const std::size_t first = i;
        while (i < t.size() && is_digit(t[i])) ++i;
        if (i == first) return false;
    }
    return i == t.size();
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view without_space_behind(std::string_view token) {
    while (!token.empty() && is_space(token.back())) token.remove_suffix(1);
    return token;
}

static_assert(JsonDocument::padding >= simdjson::SIMDJSON_PADDING);

class Indexer {
  public:
    Indexer(std::string_view text, const JsonReading& reading, std::vector<JsonDocument::Value>& values)
        : text_(text), reading_(reading), values_(values) {}

    void index(ondemand::parser& parser) {
        const auto size = text_.size();
        auto iterated = parser.iterate(text_.data(), size, size + simdjson::SIMDJSON_PADDING);
        check(std::move(iterated).get(root_), 0);
        if (!reading_.wanted) values_.reserve(size / bytes_per_value + 4);
        ondemand::json_type type{};
        check(root_.type().get(type), 0);
        if (type == ondemand::json_type::array) {
            ondemand::array array;
            check(root_.get_array().get(array), 0);
            open(JsonKind::array, root_start());
            array_value(array, 0, reading_.wanted, 1);
        } else if (type == ondemand::json_type::object) {
            ondemand::object object;
            check(root_.get_object().get(object), 0);
            open(JsonKind::object, root_start());
            object_value(object, 0, reading_.wanted, 1);
        } else {
            std::string_view token;
            check(root_.raw_json_token().get(token), 0);
            // raw_json_token does not consume; what follows the token must be nothing
            for (std::size_t i = scalar(type, token, true); i < size; ++i)
                if (!is_space(text_[i])) refuse(i, "text after the end of the document");
            return;
        }
        const char* after = nullptr;
        if (!root_.current_location().get(after)) refuse(offset(after), "text after the end of the document");
    }

  private:
    void check(simdjson::error_code error, std::size_t at) {
        if (error) refuse(at, simdjson::error_message(error));
    }

    std::size_t offset(const char* at) const { return static_cast<std::size_t>(at - text_.data()); }

    std::size_t root_start() const {
        std::size_t i = 0;
        while (i < text_.size() && is_space(text_[i])) ++i;
        return i;
    }

    void count_value() {
        if (++visited_ > reading_.bounds.values_max)
            throw PermanentError("JSON with more than " + std::to_string(reading_.bounds.values_max) + " values");
    }

    Node open(JsonKind kind, std::size_t begin) {
        count_value();
        JsonDocument::Value value{};
        value.begin = value.end = static_cast<std::uint32_t>(begin);
        value.next = JsonDocument::none;
        value.kind = kind;
        values_.push_back(value);
        return static_cast<Node>(values_.size() - 1);
    }

    /// Called when the last child was read: simdjson stands at the token behind the closing bracket, so the bracket is
    /// what comes before it, white space aside.
    void close(Node node) {
        std::size_t limit = text_.size();
        const char* next = nullptr;
        if (!root_.current_location().get(next)) limit = offset(next);
        while (limit > 0 && is_space(text_[limit - 1])) --limit;
        values_[node].end = static_cast<std::uint32_t>(limit);
    }

    void deeper(int depth, std::size_t at) const {
        if (depth > reading_.bounds.depth_max)
            refuse(at, "nested deeper than " + std::to_string(reading_.bounds.depth_max));
    }

    /// Checks one scalar and, if `wanted`, notes it. Returns the offset behind it.
    std::size_t scalar(ondemand::json_type type, std::string_view raw_token, bool wanted) {
        const auto token = without_space_behind(raw_token);
        const auto begin = offset(token.data());
        JsonKind kind = JsonKind::null;
        bool escaped = false;
        switch (type) {
            case ondemand::json_type::string:
                kind = JsonKind::text;
                escaped = text_has_escapes(token, begin);
                break;
            case ondemand::json_type::number:
                kind = JsonKind::number;
                if (!reading_.checked && !is_number(token)) refuse(begin, "not a number");
                break;
            case ondemand::json_type::boolean:
                kind = JsonKind::boolean;
                if (token != "true" && token != "false") refuse(begin, "neither true nor false");
                break;
            default:
                if (token != "null") refuse(begin, "an unknown word");
        }
        if (wanted) {
            auto& value = values_[open(kind, begin)];
            value.end = static_cast<std::uint32_t>(begin + token.size());
            value.escaped = escaped;
        } else {
            count_value();
        }
        return begin + token.size();
    }

    bool text_has_escapes(std::string_view token, std::size_t begin) const {
        if (token.size() < 2 || token.back() != '"') refuse(begin, "a string without end");
        if (std::memchr(token.data(), '\\', token.size()) == nullptr) return false;
        if (reading_.checked) return true;
        const auto bad = first_bad_escape(token.substr(1, token.size() - 2));
        if (bad != std::string_view::npos) refuse(begin + 1 + bad, "an escape that JSON does not know");
        return true;
    }

    /// Indexes one value as far as it is `wanted` (nullptr: all of it); the caller links siblings.
    Node value(ondemand::value& v, const JsonProjection* wanted, int depth) {
        ondemand::json_type type{};
        const std::string_view token = v.raw_json_token();
        const auto begin = offset(token.data());
        check(v.type().get(type), begin);
        const Node node = static_cast<Node>(values_.size());
        if (type == ondemand::json_type::array) {
            ondemand::array array;
            check(v.get_array().get(array), begin);
            open(JsonKind::array, begin);
            array_value(array, node, wanted, depth + 1);
        } else if (type == ondemand::json_type::object) {
            ondemand::object object;
            check(v.get_object().get(object), begin);
            open(JsonKind::object, begin);
            object_value(object, node, wanted, depth + 1);
        } else {
            scalar(type, token, true);
        }
        return node;
    }

    /// Visits a value that is not wanted, for its faults only.
    void check_value(ondemand::value& v, int depth) {
        ondemand::json_type type{};
        const std::string_view token = v.raw_json_token();
        const auto begin = offset(token.data());
        check(v.type().get(type), begin);
        if (type == ondemand::json_type::array) {
            count_value();
            deeper(depth + 1, begin);
            ondemand::array array;
            check(v.get_array().get(array), begin);
            for (auto element : array) {
                ondemand::value inner;
                check(std::move(element).get(inner), begin);
                check_value(inner, depth + 1);
            }
        } else if (type == ondemand::json_type::object) {
            count_value();
            deeper(depth + 1, begin);
            ondemand::object object;
            check(v.get_object().get(object), begin);
            for (auto entry : object) {
                ondemand::field field;
                check(std::move(entry).get(field), begin);
                (void)member_name(field);
                check_value(field.value(), depth + 1);
            }
        } else {
            scalar(type, token, false);
        }
    }

    struct Name {
        std::string_view raw;
        bool escaped = false;
    };
    /// On-Demand does not tell where a name ends; only a colon and white space are between its quote and the value.
    Name member_name(ondemand::field& field) {
        const char* name = field.key().raw();
        const std::string_view token = field.value().raw_json_token();
        const char* quote = token.data() - 1;
        while (quote > name && (*quote == ':' || is_space(*quote))) --quote;
        if (quote < name || *quote != '"') refuse(offset(name), "a name without end");
        const auto length = static_cast<std::size_t>(quote - name);
        Name found{{name, length}, std::memchr(name, '\\', length) != nullptr};
        if (found.escaped && !reading_.checked && first_bad_escape(found.raw) != std::string_view::npos)
            refuse(offset(name), "an escape that JSON does not know");
        return found;
    }

    void child(Node parent, Node node, Node& previous) {
        if (previous != JsonDocument::none) values_[previous].next = node;
        values_[parent].children += 1;
        previous = node;
    }

    void array_value(ondemand::array& array, Node self, const JsonProjection* wanted, int depth) {
        deeper(depth, values_[self].begin);
        if (step_over(array, self, wanted)) return;
        const JsonProjection* of_element = wanted ? wanted->of_element() : nullptr;
        Node previous = JsonDocument::none;
        for (auto element : array) {
            ondemand::value v;
            check(std::move(element).get(v), values_[self].begin);
            if (wanted && !of_element)
                leave_out(v, depth);
            else
                child(self, value(v, of_element, depth), previous);
        }
        close(self);
    }

    void object_value(ondemand::object& object, Node self, const JsonProjection* wanted, int depth) {
        deeper(depth, values_[self].begin);
        if (step_over(object, self, wanted)) return;
        Node previous = JsonDocument::none;
        std::size_t expected = 0;
        for (auto entry : object) {
            ondemand::field field;
            check(std::move(entry).get(field), values_[self].begin);
            const Name name = member_name(field);
            const JsonProjection* of_member = nullptr;
            if (wanted)
                of_member = name.escaped ? wanted->of_member(unescape_json(name.raw), expected)
                                         : wanted->of_member(name.raw, expected);
            if (wanted && !of_member) {
                leave_out(field.value(), depth);
                continue;
            }
            const Node node = value(field.value(), of_member, depth);
            auto& stored = values_[node];
            stored.key_begin = static_cast<std::uint32_t>(offset(name.raw.data()));
            stored.key_end = static_cast<std::uint32_t>(stored.key_begin + name.raw.size());
            stored.key_escaped = name.escaped;
            child(self, node, previous);
        }
        close(self);
    }

    /// A container of a checked text of which only the span is wanted.
    template <typename Container>
    bool step_over(Container& container, Node self, const JsonProjection* wanted) {
        if (!reading_.checked || !wanted || !wanted->is_leaf()) return false;
        std::string_view span;
        check(container.raw_json().get(span), values_[self].begin);
        span = without_space_behind(span);
        values_[self].end = static_cast<std::uint32_t>(offset(span.data()) + span.size());
        return true;
    }

    /// A value that is not wanted: On-Demand steps over what nobody asked for.
    void leave_out(ondemand::value& v, int depth) {
        if (!reading_.checked) check_value(v, depth);
    }

    std::string_view text_;
    const JsonReading& reading_;
    std::vector<JsonDocument::Value>& values_;
    ondemand::document root_;
    std::size_t visited_ = 0;
};

}  // namespace

void index_json(std::string_view text, const JsonReading& reading, std::vector<JsonDocument::Value>& values) {
    Indexer indexer(text, reading, values);
    if (text.size() <= shared_parser_max) {
        thread_local ondemand::parser parser;
        indexer.index(parser);
    } else {
        ondemand::parser parser;
        indexer.index(parser);
    }
}

}  // namespace pawl::core
