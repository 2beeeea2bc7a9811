#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pawl::core {

/// What zstd frames of others hold, whether they tell its size or not; at most `size_max` + 1 bytes of it, so that more is
/// seen to be too much. Throws PermanentError where the frames are damaged or cut off.
[[nodiscard]] std::string unzstd(std::string_view frames, std::size_t size_max);

}  // namespace pawl::core
