#include "tests/replica/stargazers.hpp"

#include <set>

#include "tests/support/catch.hpp"

using namespace pawl::replica;

namespace {

struct World {
    Repositories repositories = Repositories::load("tests/data/github");
    Stargazers stargazers{repositories.all()};
    Users users{[this] {
        std::vector<std::string> owners;
        for (const auto& its : repositories.all()) owners.push_back(its.owner);
        return owners;
    }()};
};

World& world() {
    static World instance;
    return instance;
}

}  // namespace

TEST_CASE("a permutation hits every value once and can be undone", "[replica]") {
    for (std::uint64_t size : {1, 2, 3, 7, 64, 1'000}) {
        Permutation permutation(42, size);
        std::set<std::uint64_t> seen;
        for (std::uint64_t value = 0; value < size; ++value) {
            auto mapped = permutation.forward(value);
            CHECK(permutation.backward(mapped) == value);
            seen.insert(mapped);
        }
        CHECK(seen.size() == size);
        CHECK(*seen.rbegin() == size - 1);
    }
}

TEST_CASE("ids and logins name one user each, both ways", "[replica]") {
    std::set<std::string> logins;
    std::size_t large = 0, hyphens = 0;
    for (UserIndex user = 0; user < users_count; user += 3'595) {
        auto login = world().users.login(user);
        CHECK(world().users.by_login(login) == user);
        CHECK(world().users.by_id(world().users.id(user)) == user);
        large += world().users.id(user) > 2'147'483'647 ? 1 : 0;
        hyphens += login.find('-') != std::string::npos ? 1 : 0;
        logins.insert(login);
    }
    CHECK(logins.size() == (users_count + 3'594) / 3'595);
    CHECK(large > logins.size() / 2);
    CHECK(hyphens > logins.size() / 20);
    CHECK(world().users.by_login("no-such-user") == std::nullopt);
    CHECK(world().users.by_id(5) == std::nullopt);
}

TEST_CASE("an owner of repositories is a user with the real login", "[replica]") {
    auto owner = world().users.by_login("SindreSorhus");
    REQUIRE(owner);
    CHECK(world().users.login(*owner) == "sindresorhus");
    CHECK(world().users.is_owner(*owner));
}

TEST_CASE("a repository has as many different stargazers as stars, in order of time", "[replica]") {
    const auto& all = world().repositories.all();
    for (std::size_t index : {all.size() - 1, all.size() / 2, std::size_t{3'000}}) {
        std::set<UserIndex> users;
        std::int64_t before = all[index].created_at;
        for (std::uint64_t position = 0; position < all[index].stars; ++position) {
            auto user = world().stargazers.at(index, position);
            users.insert(user);
            if (position % 97 == 0) CHECK(world().stargazers.position(index, user) == position);
            auto time = world().stargazers.starred_at(index, position);
            if (time < before) FAIL("star " << position << " is older than the one before it");
            before = time;
        }
        CHECK(users.size() == all[index].stars);
        CHECK(before <= all[index].last_commit);
    }
}

TEST_CASE("a user's list of stars agrees with the stargazers of each repository", "[replica]") {
    const auto& all = world().repositories.all();
    auto index = all.size() - 1;
    std::size_t checked = 0, single = 0, shared = 0;
    for (std::uint64_t position = 0; position < std::min<std::uint64_t>(all[index].stars, 300);
         ++position) {
        auto user = world().stargazers.at(index, position);
        auto starred = world().stargazers.starred_by(user);
        CHECK(std::find(starred.begin(), starred.end(), index) != starred.end());
        for (auto other : starred) CHECK(world().stargazers.position(other, user).has_value());
        ++checked;
        single += starred.size() == 1 ? 1 : 0;
        shared += starred.size() > 10 ? 1 : 0;
    }
    CHECK(single > checked / 20);  // users with exactly one star are common
    CHECK(shared > checked / 20);  // and so are users shared by many repositories
}
