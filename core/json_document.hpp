#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pawl::core {

/// Bounds on what a JSON body may be. Beyond one of them parsing throws PermanentError saying which.
struct JsonBounds {
    int depth_max = 128;
    std::size_t values_max = 4'000'000;
    std::size_t bytes_max = 64u << 20;
};

enum class JsonKind : std::uint8_t { null, boolean, number, text, array, object };

class JsonProjection;

/// An index over one JSON text: a value is known by its kind and the exact span of its source text, so integers of any
/// length stay exact. 28 bytes a value; no strings are copied. Views point into the document's text and live as long as
/// it does. What a projection leaves out looks as if it were not there; the spans of what holds it are whole.
class JsonDocument {
  public:
    using Node = std::uint32_t;  ///< index of a value; the root is 0
    static constexpr Node none = 0xffffffff;

    /// Visits every value (grammar, UTF-8, numbers and escapes are valid) and keeps those in `wanted` (nullptr: all).
    /// Throws PermanentError with the offset and the reason when `text` is not one complete JSON value within `bounds`.
    /// `text` is not copied where its capacity leaves room for `padding`.
    [[nodiscard]] static JsonDocument parse(std::string text, const JsonBounds& bounds = {},
                                            const JsonProjection* wanted = nullptr);
    /// The same for a text that `parse` took before: what is not wanted is stepped over. Throws as `parse` does where the
    /// text cannot be followed.
    [[nodiscard]] static JsonDocument parse_checked(std::string text, const JsonProjection& wanted);
    /// Bytes of capacity beyond its size that a text should have.
    static constexpr std::size_t padding = 64;

    [[nodiscard]] Node root() const { return 0; }
    [[nodiscard]] JsonKind kind(Node node) const { return values_[node].kind; }
    /// The value's source text, exactly: `"a\n"` with quotes, `12345678901234567890`, `{"a": 1}`.
    [[nodiscard]] std::string_view raw(Node node) const;
    /// A string's content between the quotes when it holds no escapes; nullopt when it must be unescaped.
    [[nodiscard]] std::optional<std::string_view> plain_text(Node node) const;
    /// A string's content with escapes resolved. Lone surrogates become U+FFFD; NUL stays (a caller decides).
    [[nodiscard]] std::string text(Node node) const;
    [[nodiscard]] bool boolean(Node node) const { return values_[node].end - values_[node].begin == 4; }

    /// First child of an array or object, or `none`; then `next` until `none`.
    [[nodiscard]] Node first_child(Node node) const;
    [[nodiscard]] Node next(Node node) const { return values_[node].next; }
    [[nodiscard]] std::size_t child_count(Node node) const { return values_[node].children; }
    /// The member's name, escapes resolved, of a value inside an object.
    [[nodiscard]] std::string key(Node node) const;
    /// Value of member `name` (the last, where a name stands twice: as jsonb does), or `none`.
    [[nodiscard]] Node member(Node object, std::string_view name) const;
    /// Element `index`; negative counts from the end. `none` outside.
    [[nodiscard]] Node element(Node array, std::int64_t index) const;
    [[nodiscard]] std::size_t size_bytes() const { return text_.size(); }

    /// One entry of the index.
    struct Value {
        std::uint32_t begin, end;          // span in text_
        std::uint32_t key_begin, key_end;  // span of the member's name without quotes; both 0 in arrays
        std::uint32_t next;                // next sibling
        std::uint32_t children;            // number of children
        JsonKind kind;
        bool escaped;          // a string with any backslash
        bool key_escaped;
    };

  private:
    static JsonDocument index(std::string text, const struct JsonReading& reading);

    std::string text_;  // its capacity holds the padding
    std::vector<Value> values_;
};

}  // namespace pawl::core
