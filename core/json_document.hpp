#pragma once

#include <cstdint>
#include <memory>
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

/// An index over one JSON text: every value was visited once (grammar, UTF-8, numbers and escapes are valid), and is
/// known by its kind and the exact span of its source text, so integers of any length stay exact. 32 bytes a value;
/// no strings are copied. Views point into the document's own copy of the text and live as long as it does.
class JsonDocument {
  public:
    using Node = std::uint32_t;  ///< index of a value; the root is 0
    static constexpr Node none = 0xffffffff;

    /// Throws PermanentError with the offset and the reason when `text` is not one complete JSON value within `bounds`.
    [[nodiscard]] static JsonDocument parse(std::string text, const JsonBounds& bounds = {});

    [[nodiscard]] Node root() const { return 0; }
    [[nodiscard]] JsonKind kind(Node node) const { return values_[node].kind; }
    /// The value's source text, exactly: `"a\n"` with quotes, `12345678901234567890`, `{"a": 1}`.
    [[nodiscard]] std::string_view raw(Node node) const;
    /// True where the source text holds a backslash-u escape: only then can it hold NUL or lone surrogates.
    [[nodiscard]] bool has_unicode_escape(Node node) const { return values_[node].unicode_escape; }
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
    [[nodiscard]] std::size_t size_bytes() const { return size_; }

  private:
    struct Value {
        std::uint32_t begin, end;          // span in text_
        std::uint32_t key_begin, key_end;  // span of the member's name without quotes; both 0 in arrays
        std::uint32_t next;                // next sibling
        std::uint32_t children;            // number of children
        JsonKind kind;
        bool unicode_escape;   // the span holds "\u"
        bool escaped;          // a string with any backslash
        bool key_escaped;
    };
    std::unique_ptr<char[]> text_;  // with simdjson's padding behind it
    std::size_t size_ = 0;
    std::vector<Value> values_;
    friend class JsonIndexer;
};

}  // namespace pawl::core
