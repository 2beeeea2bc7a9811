#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pawl::core {

/// How much JSON a body may become: names stand once in CSV, and with every record in JSON. What JsonDocument takes.
inline constexpr std::size_t decoded_bytes_max = 256u << 20;

/// Throws PermanentError where `json` has outgrown that.
void check_decoded(const std::string& json);

/// A JSON array that grows record by record.
class JsonArray {
  public:
    /// Room for the next element, to be appended to as JSON; throws PermanentError beyond decoded_bytes_max.
    [[nodiscard]] std::string& next() {
        if (text_.size() > decoded_bytes_max) check_decoded(text_);
        if (text_.size() > 1) text_ += ',';
        return text_;
    }
    void reserve(std::size_t bytes) { text_.reserve(bytes); }
    [[nodiscard]] std::string finish() && {
        text_ += ']';
        return std::move(text_);
    }

  private:
    std::string text_ = "[";
};

}  // namespace pawl::core
