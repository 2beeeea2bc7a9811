#include "core/json_document.hpp"

#include <simdjson.h>

#include <cstring>

#include "core/characters.hpp"
#include "core/errors.hpp"
#include "core/unicode.hpp"

namespace pawl::core {

namespace ondemand = simdjson::ondemand;

namespace {

constexpr std::size_t shared_parser_max = 4u << 20;  // larger bodies do not leave their buffers behind

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

/// Length of the string content that starts at `from`, up to its closing quote.
std::size_t content_length(const char* from, const char* end) {
    const char* at = from;
    while (at < end && *at != '"') at += *at == '\\' ? 2 : 1;
    return static_cast<std::size_t>(at - from);
}

}  // namespace

/// Walks a document once with On-Demand and notes every value.
class JsonIndexer {
  public:
    JsonIndexer(JsonDocument& document, const JsonBounds& bounds) : doc_(document), bounds_(bounds) {}

    void index(ondemand::parser& parser) {
        const auto size = doc_.size_;
        auto iterated = parser.iterate(doc_.text_.get(), size, size + simdjson::SIMDJSON_PADDING);
        check(std::move(iterated).get(root_), 0);
        auto& root = root_;
        doc_.values_.reserve(size / 24 + 4);  // by experience with API pages: a value takes 20 to 30 bytes
        ondemand::json_type type{};
        check(root.type().get(type), 0);
        if (type == ondemand::json_type::array) {
            ondemand::array array;
            check(root.get_array().get(array), 0);
            open(JsonKind::array, root_start());
            array_value(array, 0, 1);
        } else if (type == ondemand::json_type::object) {
            ondemand::object object;
            check(root.get_object().get(object), 0);
            open(JsonKind::object, root_start());
            object_value(object, 0, 1);
        } else {
            std::string_view token;
            check(root.raw_json_token().get(token), 0);
            scalar(type, token);
            // raw_json_token does not consume; what follows the token must be nothing
            const auto after = doc_.values_[0].end;
            for (std::size_t i = after; i < size; ++i)
                if (!is_space(doc_.text_[i])) refuse(i, "text after the end of the document");
            return;
        }
        const char* after = nullptr;
        if (!root.current_location().get(after)) refuse(offset(after), "text after the end of the document");
    }

  private:
    using Node = JsonDocument::Node;

    void check(simdjson::error_code error, std::size_t offset) {
        if (error) refuse(offset, simdjson::error_message(error));
    }

    std::size_t offset(const char* at) const { return static_cast<std::size_t>(at - doc_.text_.get()); }

    std::size_t root_start() const {
        std::size_t i = 0;
        while (i < doc_.size_ && is_space(doc_.text_[i])) ++i;
        return i;
    }

    Node open(JsonKind kind, std::size_t begin) {
        if (doc_.values_.size() >= bounds_.values_max)
            throw PermanentError("JSON with more than " + std::to_string(bounds_.values_max) + " values");
        doc_.values_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin), 0, 0,
                                JsonDocument::none, 0, kind, false, false, false});
        return static_cast<Node>(doc_.values_.size() - 1);
    }

    /// Called when the last child was read: simdjson stands at the token behind the closing bracket, so the bracket is
    /// what comes before it, white space aside.
    void close(Node node) {
        std::size_t limit = doc_.size_;
        const char* next = nullptr;
        if (!root_.current_location().get(next)) limit = offset(next);
        while (limit > 0 && is_space(doc_.text_[limit - 1])) --limit;
        doc_.values_[node].end = static_cast<std::uint32_t>(limit);
    }

    void deeper(int depth, std::size_t at) {
        if (depth > bounds_.depth_max) refuse(at, "nested deeper than " + std::to_string(bounds_.depth_max));
    }

    void scalar(ondemand::json_type type, std::string_view raw_token) {
        const auto token = without_space_behind(raw_token);
        const auto begin = offset(token.data());
        JsonKind kind = JsonKind::null;
        switch (type) {
            case ondemand::json_type::string: kind = JsonKind::text; break;
            case ondemand::json_type::number:
                kind = JsonKind::number;
                if (!is_number(token)) refuse(begin, "not a number");
                break;
            case ondemand::json_type::boolean:
                kind = JsonKind::boolean;
                if (token != "true" && token != "false") refuse(begin, "neither true nor false");
                break;
            default:
                if (token != "null") refuse(begin, "an unknown word");
        }
        const Node node = open(kind, begin);
        auto& value = doc_.values_[node];
        value.end = static_cast<std::uint32_t>(begin + token.size());
        if (kind == JsonKind::text) {
            if (token.size() < 2 || token.back() != '"') refuse(begin, "a string without end");
            value.escaped = std::memchr(token.data(), '\\', token.size()) != nullptr;
            if (value.escaped) {
                const auto bad = first_bad_escape(token.substr(1, token.size() - 2));
                if (bad != std::string_view::npos) refuse(begin + 1 + bad, "an escape that JSON does not know");
                value.unicode_escape = token.find("\\u") != std::string_view::npos;
            }
        }
    }

    /// Indexes one value; returns its node. The caller links siblings.
    Node value(ondemand::value& v, int depth) {
        ondemand::json_type type{};
        const std::string_view token = v.raw_json_token();
        const auto begin = offset(token.data());
        check(v.type().get(type), begin);
        const Node node = static_cast<Node>(doc_.values_.size());
        if (type == ondemand::json_type::array) {
            ondemand::array array;
            check(v.get_array().get(array), begin);
            open(JsonKind::array, begin);
            array_value(array, node, depth + 1);
        } else if (type == ondemand::json_type::object) {
            ondemand::object object;
            check(v.get_object().get(object), begin);
            open(JsonKind::object, begin);
            object_value(object, node, depth + 1);
        } else {
            scalar(type, token);
        }
        return node;
    }

    void child(Node parent, Node node, Node& previous) {
        if (previous != JsonDocument::none) doc_.values_[previous].next = node;
        doc_.values_[parent].children += 1;
        doc_.values_[parent].unicode_escape |= doc_.values_[node].unicode_escape;
        previous = node;
    }

    void array_value(ondemand::array& array, Node self, int depth) {
        deeper(depth, doc_.values_[self].begin);
        Node previous = JsonDocument::none;
        for (auto element : array) {
            ondemand::value v;
            check(std::move(element).get(v), doc_.values_[self].begin);
            const Node node = value(v, depth);
            child(self, node, previous);
        }
        close(self);
    }

    void object_value(ondemand::object& object, Node self, int depth) {
        deeper(depth, doc_.values_[self].begin);
        Node previous = JsonDocument::none;
        for (auto entry : object) {
            ondemand::field field;
            check(std::move(entry).get(field), doc_.values_[self].begin);
            const char* name = field.key().raw();
            const auto length = content_length(name, doc_.text_.get() + doc_.size_);
            const std::string_view key{name, length};
            const bool escaped = std::memchr(name, '\\', length) != nullptr;
            if (escaped && first_bad_escape(key) != std::string_view::npos)
                refuse(offset(name), "an escape that JSON does not know");
            const Node node = value(field.value(), depth);
            auto& stored = doc_.values_[node];
            stored.key_begin = static_cast<std::uint32_t>(offset(name));
            stored.key_end = static_cast<std::uint32_t>(offset(name) + length);
            stored.key_escaped = escaped;
            if (escaped && key.find("\\u") != std::string_view::npos)
                doc_.values_[self].unicode_escape = true;
            child(self, node, previous);
        }
        close(self);
    }

    JsonDocument& doc_;
    const JsonBounds& bounds_;
    ondemand::document root_;
};

JsonDocument JsonDocument::parse(std::string text, const JsonBounds& bounds) {
    if (text.size() > bounds.bytes_max)
        throw PermanentError("JSON of " + std::to_string(text.size()) + " bytes is over the bound of " +
                             std::to_string(bounds.bytes_max));
    JsonDocument document;
    document.size_ = text.size();
    document.text_.reset(new char[text.size() + simdjson::SIMDJSON_PADDING]);
    std::memcpy(document.text_.get(), text.data(), text.size());
    std::memset(document.text_.get() + text.size(), 0, simdjson::SIMDJSON_PADDING);
    JsonIndexer indexer(document, bounds);
    if (text.size() <= shared_parser_max) {
        thread_local ondemand::parser parser;
        indexer.index(parser);
    } else {
        ondemand::parser parser;
        indexer.index(parser);
    }
    return document;
}

std::string_view JsonDocument::raw(Node node) const {
    const auto& value = values_[node];
    return {text_.get() + value.begin, value.end - value.begin};
}

std::optional<std::string_view> JsonDocument::plain_text(Node node) const {
    const auto& value = values_[node];
    if (value.escaped) return std::nullopt;
    return std::string_view{text_.get() + value.begin + 1, value.end - value.begin - 2};
}

std::string JsonDocument::text(Node node) const {
    const auto& value = values_[node];
    return unescape_json({text_.get() + value.begin + 1, value.end - value.begin - 2});
}

JsonDocument::Node JsonDocument::first_child(Node node) const {
    return values_[node].children == 0 ? none : node + 1;
}

std::string JsonDocument::key(Node node) const {
    const auto& value = values_[node];
    const std::string_view raw{text_.get() + value.key_begin, value.key_end - value.key_begin};
    return value.key_escaped ? unescape_json(raw) : std::string(raw);
}

JsonDocument::Node JsonDocument::member(Node object, std::string_view name) const {
    Node found = none;
    if (kind(object) != JsonKind::object) return found;
    for (Node child = first_child(object); child != none; child = next(child)) {
        const auto& value = values_[child];
        const std::string_view raw{text_.get() + value.key_begin, value.key_end - value.key_begin};
        if (value.key_escaped ? unescape_json(raw) == name : raw == name) found = child;
    }
    return found;
}

JsonDocument::Node JsonDocument::element(Node array, std::int64_t index) const {
    if (kind(array) != JsonKind::array) return none;
    const auto count = static_cast<std::int64_t>(child_count(array));
    if (index < 0) index += count;
    if (index < 0 || index >= count) return none;
    Node child = first_child(array);
    while (index-- > 0) child = next(child);
    return child;
}

}  // namespace pawl::core
