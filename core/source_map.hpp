#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/source_reading.hpp"

namespace pawl::core::reading {

/// One map of the file, held against the rows of the table below `path`. Opening it reports keys
/// that are unknown or not supported; `find` gives values, and reports an empty one.
class MapReader {
  public:
    MapReader(const YamlNode& node, std::string path, Problems& problems);

    [[nodiscard]] const YamlNode& node() const { return node_; }
    [[nodiscard]] Position at() const { return node_.at; }
    [[nodiscard]] bool has(std::string_view name) const { return node_.find(name) != nullptr; }
    /// Null pointer when absent, empty, or not usable; the last two are reported.
    [[nodiscard]] const YamlNode* find(std::string_view name) const;
    /// The same; absent is reported as well.
    [[nodiscard]] const YamlNode* require(std::string_view name, std::string_view why = "") const;
    /// The map at `name`, or nothing.
    [[nodiscard]] std::optional<MapReader> open(std::string_view name) const;

    [[nodiscard]] std::string text(std::string_view name, std::string fallback = "") const;
    [[nodiscard]] std::int64_t whole_number(std::string_view name, Bounds bounds,
                                            std::int64_t fallback) const;
    [[nodiscard]] bool boolean(std::string_view name, bool fallback) const;
    [[nodiscard]] std::optional<Micros> duration(std::string_view name) const;
    /// One value.
    [[nodiscard]] std::optional<Expression> expression(std::string_view name) const;
    /// Records, or one value.
    [[nodiscard]] std::optional<Expression> records_path(std::string_view name) const;
    [[nodiscard]] std::string header_name(std::string_view name) const;
    /// The word chosen; nothing when absent or wrong.
    [[nodiscard]] std::optional<std::string> choice(std::string_view name) const;
    /// Which of `names` are there; two or more are reported as excluding each other.
    [[nodiscard]] std::optional<std::string> one_of(const std::vector<std::string>& names) const;

  private:
    void check_keys() const;

    const YamlNode& node_;
    std::string path_;
    Problems& problems_;
};

/// The value for a word chosen from the table; `fallback` where none was chosen. Throws std::logic_error for a word that the table
/// of fields takes and `words` lack.
template <class Enum>
struct Word {
    std::string_view word;
    Enum value;
};

template <class Enum, std::size_t N>
[[nodiscard]] Enum choose(const std::optional<std::string>& word, const Word<Enum> (&words)[N],
                          Enum fallback) {
    for (const Word<Enum>& candidate : words)
        if (word == candidate.word) return candidate.value;
    if (word) throw std::logic_error("nothing reads \"" + *word + "\", which the table of fields takes");
    return fallback;
}

}  // namespace pawl::core::reading
