#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pawl::collector {

/// True when `body` begins as gzip, zip or zstd does. No JSON, CSV or XML does.
[[nodiscard]] bool is_packed(std::string_view body);

/// What was in a packed body.
struct Unpacked {
    enum class State : std::uint8_t {
        ok,
        too_large,   ///< more than the bound would come out; unpacking stopped there
        damaged,     ///< does not unpack: a body that was cut off, or changed on its way
        unsuitable,  ///< unpacks, but is not one file, or is locked: asking again gives the same
    };
    State state = State::ok;
    std::string body;
    std::string reason;  ///< in words, unless ok
};

/// Unpacks one layer: the members of gzip, the frames of zstd, or the one file that a zip holds (folders do not count). Never
/// holds more than `size_max` + 1 bytes of it. For a body that is_packed.
[[nodiscard]] Unpacked unpack(std::string_view body, std::size_t size_max);

}  // namespace pawl::collector
