#include "core/json_indexer.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "core/characters.hpp"
#include "core/errors.hpp"
#include "core/json_projection.hpp"
#include "core/unicode.hpp"

// simdjson's first stage finds where every token begins, and that the text is UTF-8 with whole strings, 64 bytes at a step.
// What is left is a walk over those tokens: grammar, numbers, escapes, and the index itself. Its On-Demand interface makes the
// same walk, for a third more instructions (callgrind over pages of the benchmark), and tells neither where a name nor where
// a container ends.
namespace pawl::core {

namespace {

using Node = JsonDocument::Node;

using Tokenizer = simdjson::internal::dom_parser_implementation;

constexpr std::size_t shared_tokenizer_max = 4u << 20;  // larger bodies do not leave their buffers behind
constexpr std::size_t bytes_per_value = 24;             // by experience with API pages: 20 to 30
constexpr std::size_t bytes_per_wanted_value = 64;      // where a third of them is looked at

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
    Indexer(std::string_view text, Tokenizer& tokens, const JsonReading& reading,
            std::vector<JsonDocument::Value>& values)
        : text_(text),
          starts_(tokens.structural_indexes.get()),
          count_(tokens.n_structural_indexes),
          reading_(reading),
          values_(values),
          backslash_(next_backslash(text.data())) {
        // Behind the last token stands the end of the text; simdjson's array has room for more than two.
        starts_[count_] = starts_[count_ + 1] = static_cast<std::uint32_t>(text.size());
    }

    void index() {
        values_.reserve(text_.size() / (reading_.wanted ? bytes_per_wanted_value : bytes_per_value) + 4);
        const std::size_t after = value(0, reading_.wanted, true, 0);
        if (after < count_) refuse(start(after), "text after the end of the document");
    }

  private:
    /// Where token `i` begins; behind the last one: the end of the text, where the string's own NUL stands.
    std::size_t start(std::size_t i) const { return starts_[i]; }
    char first(std::size_t i) const { return text_.data()[start(i)]; }
    std::string_view token(std::size_t i) const {
        return without_space_behind(text_.substr(start(i), start(i + 1) - start(i)));
    }

    void count_value() {
        if (++visited_ > reading_.bounds.values_max)
            throw PermanentError("JSON with more than " + std::to_string(reading_.bounds.values_max) + " values");
    }

    Node open(JsonKind kind, std::size_t begin) {
        JsonDocument::Value value{};
        value.begin = value.end = static_cast<std::uint32_t>(begin);
        value.next = JsonDocument::none;
        value.kind = kind;
        values_.push_back(value);
        return static_cast<Node>(values_.size() - 1);
    }

    /// Visits the value at token `i`; if `keep`, indexes it as far as it is `wanted` (nullptr: all of it). Returns the token
    /// behind it.
    std::size_t value(std::size_t i, const JsonProjection* wanted, bool keep, int depth) {
        const char c = first(i);
        if (!keep && reading_.checked) return behind(i);
        count_value();
        if (c == '{' || c == '[') return container(i, wanted, keep, depth + 1);
        return scalar(i, keep);
    }

    std::size_t container(std::size_t i, const JsonProjection* wanted, bool keep, int depth) {
        const bool is_object = first(i) == '{';
        const char closing = is_object ? '}' : ']';
        if (depth > reading_.bounds.depth_max)
            refuse(start(i), "nested deeper than " + std::to_string(reading_.bounds.depth_max));
        const Node self = keep ? open(is_object ? JsonKind::object : JsonKind::array, start(i)) : JsonDocument::none;
        if (keep && reading_.checked && wanted && wanted->is_leaf()) return close(self, behind(i) - 1);
        Node previous = JsonDocument::none;
        std::size_t expected = 0;
        if (first(++i) == closing && i < count_) return close(self, i);
        while (true) {
            Name name;
            if (is_object) {
                name = member_name(i);
                i += 2;
            }
            const JsonProjection* of_child = keep && wanted ? child_of(*wanted, is_object, name, expected) : nullptr;
            const bool keep_child = keep && (!wanted || of_child);
            const Node node = static_cast<Node>(values_.size());
            i = value(i, of_child, keep_child, depth);
            if (keep_child) link(self, node, previous, name);
            if (first(i) == closing && i < count_) return close(self, i);
            if (first(i) != ',') refuse(start(i), is_object ? "neither , nor } behind a member" : "neither , nor ] behind an element");
            ++i;
        }
    }

    /// `i` is the closing bracket of `self`.
    std::size_t close(Node self, std::size_t i) {
        if (self != JsonDocument::none) values_[self].end = static_cast<std::uint32_t>(start(i) + 1);
        return i + 1;
    }

    struct Name {
        std::string_view raw;
        bool escaped = false;
    };
    Name member_name(std::size_t i) {
        if (first(i) != '"') refuse(start(i), "a member without a name");
        if (first(i + 1) != ':') refuse(start(i + 1), "no : behind a name");
        const auto name = content(i);
        return {name, has_escapes(name)};
    }

    static const JsonProjection* child_of(const JsonProjection& wanted, bool is_object, const Name& name,
                                          std::size_t& expected) {
        if (!is_object) return wanted.of_element();
        return name.escaped ? wanted.of_member(unescape_json(name.raw), expected) : wanted.of_member(name.raw, expected);
    }

    void link(Node parent, Node node, Node& previous, const Name& name) {
        if (previous != JsonDocument::none) values_[previous].next = node;
        values_[parent].children += 1;
        previous = node;
        if (name.raw.data() == nullptr) return;
        auto& stored = values_[node];
        stored.key_begin = static_cast<std::uint32_t>(name.raw.data() - text_.data());
        stored.key_end = static_cast<std::uint32_t>(stored.key_begin + name.raw.size());
        stored.key_escaped = name.escaped;
    }

    /// Of the string at token `i`, between its quotes.
    std::string_view content(std::size_t i) const {
        const auto whole = token(i);
        if (whole.size() < 2 || whole.back() != '"') refuse(start(i), "a string without end");
        return whole.substr(1, whole.size() - 2);
    }

    const char* next_backslash(const char* from) const {
        const char* const end = text_.data() + text_.size();
        const void* found = from == end ? nullptr : std::memchr(from, '\\', static_cast<std::size_t>(end - from));
        return found == nullptr ? end : static_cast<const char*>(found);
    }

    /// Strings are looked at in the order of the text, so one search for the next backslash serves many of them.
    bool has_escapes(std::string_view content) {
        if (backslash_ < content.data()) backslash_ = next_backslash(content.data());
        if (backslash_ >= content.data() + content.size()) return false;
        if (reading_.checked) return true;
        const auto bad = first_bad_escape(content);
        if (bad != std::string_view::npos)
            refuse(static_cast<std::size_t>(content.data() - text_.data()) + bad, "an escape that JSON does not know");
        return true;
    }

    std::size_t scalar(std::size_t i, bool keep) {
        if (i >= count_) refuse(text_.size(), "it ends too early");
        const auto whole = token(i);
        JsonKind kind = JsonKind::null;
        bool escaped = false;
        switch (whole.front()) {
            case '"':
                kind = JsonKind::text;
                escaped = has_escapes(content(i));
                break;
            case 't':
            case 'f':
                kind = JsonKind::boolean;
                if (whole != "true" && whole != "false") refuse(start(i), "neither true nor false");
                break;
            case 'n':
                if (whole != "null") refuse(start(i), "an unknown word");
                break;
            default:
                kind = JsonKind::number;
                if (!is_number(whole)) refuse(start(i), "not a value");
        }
        if (keep) {
            auto& stored = values_[open(kind, start(i))];
            stored.end = static_cast<std::uint32_t>(start(i) + whole.size());
            stored.escaped = escaped;
        }
        return i + 1;
    }

    /// The token behind the value at `i` of a checked text: only brackets count.
    std::size_t behind(std::size_t i) const {
        int depth = 0;
        do {
            const char c = first(i);
            if (c == '{' || c == '[') ++depth;
            if (c == '}' || c == ']') --depth;
            ++i;
        } while (depth > 0 && i < count_);
        if (depth > 0) refuse(text_.size(), "it ends too early");
        return i;
    }

    std::string_view text_;
    std::uint32_t* starts_;
    std::size_t count_;
    const JsonReading& reading_;
    std::vector<JsonDocument::Value>& values_;
    const char* backslash_;  ///< the next one that no string before has passed
    std::size_t visited_ = 0;
};

void index_with(std::unique_ptr<Tokenizer>& tokens, std::string_view text, const JsonReading& reading,
                std::vector<JsonDocument::Value>& values) {
    const auto check = [](simdjson::error_code error) {
        if (error) refuse(0, simdjson::error_message(error));
    };
    if (!tokens || tokens->capacity() < text.size()) {
        constexpr std::size_t least = 256u << 10;
        check(simdjson::get_active_implementation()->create_dom_parser_implementation(std::max(text.size(), least), 1, tokens));
    }
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
    check(tokens->stage1(bytes, text.size(), simdjson::stage1_mode::regular));
    Indexer(text, *tokens, reading, values).index();
}

}  // namespace

void index_json(std::string_view text, const JsonReading& reading, std::vector<JsonDocument::Value>& values) {
    if (text.size() <= shared_tokenizer_max) {
        thread_local std::unique_ptr<Tokenizer> tokens;
        index_with(tokens, text, reading, values);
    } else {
        std::unique_ptr<Tokenizer> tokens;
        index_with(tokens, text, reading, values);
    }
}

}  // namespace pawl::core
