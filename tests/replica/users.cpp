#include "tests/replica/users.hpp"

#include "tests/replica/repositories.hpp"

namespace pawl::replica {
namespace {

constexpr std::uint64_t id_space = std::uint64_t{1} << 33;
constexpr std::uint64_t id_first = 100'000;
constexpr std::string_view consonants = "bdfghjklmnprstvz";
constexpr std::string_view vowels = "aeiu";
constexpr std::size_t login_letters =
    10;  // five syllables of six bits, and a digit of three: 33 bits

/// "kumopatire5", and for one in eight "kumopa-tire5": logins with a hyphen are common on GitHub.
std::string encode_login(std::uint64_t number) {
    std::string login;
    for (std::uint64_t rest = number >> 3; login.size() < login_letters; rest >>= 6) {
        login += consonants[rest & 15];
        login += vowels[(rest >> 4) & 3];
    }
    login += static_cast<char>('0' + (number & 7));
    if (mix(number) % 8 == 0) login.insert(login.begin() + 6, '-');
    return login;
}

/// The number whose login this is, if it is one.
std::optional<std::uint64_t> decode_login(const std::string& login) {
    std::string letters;
    for (char c : login)
        if (c != '-') letters += c;
    if (letters.size() != login_letters + 1 || letters.back() < '0' || letters.back() > '7')
        return std::nullopt;
    std::uint64_t number = 0;
    for (std::size_t i = login_letters; i > 0; i -= 2) {
        auto consonant = consonants.find(letters[i - 2]);
        auto vowel = vowels.find(letters[i - 1]);
        if (consonant == std::string_view::npos || vowel == std::string_view::npos)
            return std::nullopt;
        number = number << 6 | vowel << 4 | consonant;
    }
    number = number << 3 | static_cast<std::uint64_t>(letters.back() - '0');
    if (encode_login(number) != login) return std::nullopt;  // a hyphen elsewhere
    return number;
}

}  // namespace

std::size_t tier_of(UserIndex user) {
    std::size_t tier = tiers.size() - 1;
    while (user < tiers[tier].first) --tier;
    return tier;
}

Users::Users(const std::vector<std::string>& owners)
    : ids_(hash_text("user ids"), id_space), names_(hash_text("logins"), id_space) {
    for (const auto& owner : owners) {
        auto key = lower(owner);
        if (owner_logins_.count(key)) continue;
        auto tier = 1 + hash_text("tier/" + key) % (tiers.size() - 1);
        owner_logins_[key] = static_cast<UserIndex>(tiers[tier].first + owners_[tier].size());
        owners_[tier].push_back(owner);
    }
}

bool Users::is_owner(UserIndex user) const {
    auto tier = tier_of(user);
    return user - tiers[tier].first < owners_[tier].size();
}

std::uint64_t Users::id(UserIndex user) const { return id_first + ids_.forward(user); }

std::string Users::login(UserIndex user) const {
    auto tier = tier_of(user);
    auto place = user - tiers[tier].first;
    return place < owners_[tier].size() ? owners_[tier][place] : encode_login(names_.forward(user));
}

std::optional<UserIndex> Users::by_id(std::uint64_t id) const {
    if (id < id_first || id >= id_first + id_space) return std::nullopt;
    auto user = ids_.backward(id - id_first);
    return user < users_count ? std::optional(static_cast<UserIndex>(user)) : std::nullopt;
}

std::optional<UserIndex> Users::by_login(std::string_view login) const {
    auto key = lower(login);
    if (auto owner = owner_logins_.find(key); owner != owner_logins_.end()) return owner->second;
    auto number = decode_login(key);
    if (!number) return std::nullopt;
    auto user = names_.backward(*number);
    if (user >= users_count || is_owner(static_cast<UserIndex>(user))) return std::nullopt;
    return static_cast<UserIndex>(user);
}

}  // namespace pawl::replica
