#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pawl::collector {

/// Unpacks one gzip layer while it arrives, into at most a given number of bytes. libcurl's own
/// decoder is not used: it has no bound on what comes out, and it takes a body that was cut off for
/// a whole one.
class Gunzip {
  public:
    enum class [[nodiscard]] Step : std::uint8_t{
        ok,
        too_large,  ///< more than `size_max` bytes would come out
        broken,     ///< not gzip, or damaged
    };

    Gunzip();
    ~Gunzip();
    Gunzip(const Gunzip&) = delete;
    Gunzip& operator=(const Gunzip&) = delete;

    /// Appends to `out` what `wire` holds. Several members, one behind the other, are one body (RFC
    /// 1952).
    Step feed(std::string_view wire, std::string& out, std::size_t size_max);
    /// True when the last member's checksum was reached: the body was not cut off.
    [[nodiscard]] bool is_complete() const { return complete_; }

  private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
    bool complete_ = false;
};

}  // namespace pawl::collector
