#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pawl::core {

/// What of a JSON value will be looked at: nothing below it, some of its children, or all of them. An index made for a
/// projection leaves out the rest (core/json_document.hpp). Built of the paths of a stream's expressions.
class JsonProjection {
  public:
    /// Member `name`, with what will be looked at in it. Stays where it is.
    JsonProjection& member(std::string_view name);
    /// Every element or member, with what will be looked at in each. Stays where it is.
    JsonProjection& every_child();
    /// All there is, however deep. Nothing else is to be said then.
    void want_all() { rest_ = this; }
    /// Afterwards what is wanted of every child is in each member too. Call once, when all is said.
    void settle();

    [[nodiscard]] bool is_leaf() const { return members_.empty() && !rest_; }
    /// For a member or element; nullptr: not looked at. `expected`: where it most likely is, moved on.
    [[nodiscard]] const JsonProjection* of_member(std::string_view name, std::size_t& expected) const {
        if ((marks_ & mark(name)) == 0) return rest_;
        for (std::size_t i = 0; i < members_.size(); ++i) {
            const std::size_t at = expected + i < members_.size() ? expected + i : expected + i - members_.size();
            if (members_[at].first != name) continue;
            expected = at + 1 < members_.size() ? at + 1 : 0;
            return members_[at].second.get();
        }
        return rest_;
    }
    [[nodiscard]] const JsonProjection* of_element() const { return rest_; }

  private:
    void add(const JsonProjection& other);
    /// One of 64 bits: most names that are not wanted have none in common with those that are.
    static std::uint64_t mark(std::string_view name) {
        if (name.empty()) return 1;
        const auto first = static_cast<unsigned char>(name.front()), last = static_cast<unsigned char>(name.back());
        return std::uint64_t{1} << ((name.size() * 7 + first * 5 + last) & 63);
    }

    std::vector<std::pair<std::string, std::unique_ptr<JsonProjection>>> members_;
    std::unique_ptr<JsonProjection> every_;
    const JsonProjection* rest_ = nullptr;  ///< for elements and for members that are not named: every_, or this one
    std::uint64_t marks_ = 0;  ///< of the names of members_
};

}  // namespace pawl::core
