#pragma once

#include <string>
#include <string_view>

namespace pawl::queue {

/// A Lua script, known to Redis by the SHA-1 of its text. KEYS[1] is the prefix of the source's
/// keys, "pawl:{github}:"; the other keys are made from it, so they share its hash tag and with it
/// the slot of a Redis Cluster.
class RedisScript {
  public:
    /// What happens while Redis is over its maxmemory. What frees memory or keeps leases alive must
    /// run all the same, else the queue could never drain; what adds pages or requests must not.
    enum class WhenFull { refuse, run };

    RedisScript(std::string_view name, WhenFull when_full, std::string_view body);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] const std::string& sha1() const { return sha1_; }

  private:
    std::string name_, text_, sha1_;
};

}  // namespace pawl::queue
