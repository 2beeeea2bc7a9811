#include "tests/replica/stargazers.hpp"

#include <algorithm>

namespace pawl::replica {

Stargazers::Stargazers(const std::vector<Repository>& repositories) : repositories_(repositories) {
    for (const auto& repository : repositories) {
        auto key = mix(repository.id);
        orders_.emplace_back(key, std::max<std::uint64_t>(repository.stars, 1));
        auto rest = repository.stars;
        for (std::size_t t = 0; t < tiers.size(); ++t) {
            bool last = t + 1 == tiers.size();
            // A quarter of a tier at most: the active users do not all star the same repository.
            // The last tier takes what is left.
            auto count =
                last ? rest
                     : std::min(repository.stars * tiers[t].percent / 100, tiers[t].size / 4);
            rest -= count;
            dealt_[t].push_back({Permutation(mix(key + t + 1), tiers[t].size), count});
        }
    }
}

UserIndex Stargazers::at(std::size_t index, std::uint64_t position) const {
    auto place = orders_[index].forward(position);
    std::size_t tier = 0;
    for (; place >= dealt_[tier][index].count; ++tier) place -= dealt_[tier][index].count;
    return static_cast<UserIndex>(tiers[tier].first + dealt_[tier][index].users.forward(place));
}

std::optional<std::uint64_t> Stargazers::position(std::size_t index, UserIndex user) const {
    auto tier = tier_of(user);
    auto place = dealt_[tier][index].users.backward(user - tiers[tier].first);
    if (place >= dealt_[tier][index].count) return std::nullopt;
    for (std::size_t t = 0; t < tier; ++t) place += dealt_[t][index].count;
    return orders_[index].backward(place);
}

std::vector<std::size_t> Stargazers::starred_by(UserIndex user) const {
    std::vector<std::size_t> starred;
    auto tier = tier_of(user);
    for (std::size_t i = 0; i < repositories_.size(); ++i) {
        const auto& dealt = dealt_[tier][i];
        if (dealt.count > 0 && dealt.users.backward(user - tiers[tier].first) < dealt.count)
            starred.push_back(i);
    }
    return starred;
}

std::int64_t Stargazers::starred_at(std::size_t index, std::uint64_t position) const {
    const auto& repository = repositories_[index];
    auto span = static_cast<std::uint64_t>(repository.last_commit - repository.created_at);
    return repository.created_at +
           static_cast<std::int64_t>(span * (position + 1) / (repository.stars + 1));
}

}  // namespace pawl::replica
