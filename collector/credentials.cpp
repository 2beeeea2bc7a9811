#include "collector/credentials.hpp"

#include <algorithm>
#include <filesystem>

#include "collector/secret_file.hpp"
#include "collector/url.hpp"
#include "core/base64.hpp"
#include "core/characters.hpp"
#include "core/errors.hpp"
#include "core/identity.hpp"
#include "core/redact.hpp"

namespace pawl::collector {

namespace {

namespace fs = std::filesystem;
using Auth = core::Auth;

constexpr std::size_t key_file_bytes_max = 1u << 20;
constexpr std::size_t owner_bytes_max = 64;
constexpr std::size_t fingerprint_digits = 8;

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(separator);
        if (const auto part = core::trimmed(text.substr(0, end)); !part.empty() && part.front() != '#')
            parts.push_back(part);
        if (end == std::string_view::npos) return parts;
        text = text.substr(end + 1);
    }
}

// Collects keys under their owners, in the order they come.
class Pool {
  public:
    void add(std::string_view entry, const std::string& owner_if_untold) {
        auto [owner, secret, scopes] = split_key(entry);
        core::remember_secret(secret);
        Key key;
        key.fingerprint = core::sha256_hex(secret).substr(0, fingerprint_digits);
        key.secret = std::move(secret);
        key.scopes = std::move(scopes);
        key.owner_told = !owner.empty();
        add(std::move(key), owner.empty() ? owner_if_untold : owner);
    }
    void add(Key key, const std::string& owner) {
        auto known = std::find_if(accounts_.begin(), accounts_.end(),
                                  [&](const auto& a) { return a.owner == owner; });
        if (known == accounts_.end()) known = accounts_.insert(accounts_.end(), Account{owner, {}});
        const auto is_same = [&](const Key& other) { return other.secret == key.secret; };
        if (std::none_of(known->keys.begin(), known->keys.end(), is_same)) known->keys.push_back(std::move(key));
    }
    void add_all(std::string_view text, char separator) {
        int number = 0;
        for (const auto entry : split(text, separator))
            add(entry, "key" + std::to_string(++number));
    }
    [[nodiscard]] std::vector<Account> take() { return std::move(accounts_); }

  private:
    std::vector<Account> accounts_;
};

std::string owner_from_file_name(const fs::path& path) {
    auto name = path.filename().string().substr(0, owner_bytes_max);
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !is_alias_character(c); }, '_');
    return name;
}

void add_directory(Pool& pool, const fs::path& directory) {
    std::error_code error;
    std::vector<fs::path> files;
    for (fs::directory_iterator entry(directory, error), none; !error && entry != none;
         entry.increment(error)) {
        const auto name = entry->path().filename().string();
        if (name.front() != '.' && name.back() != '~' && entry->is_regular_file(error))
            files.push_back(entry->path());
    }
    if (error) throw core::ConfigError("credentials: cannot read directory " + directory.string());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        const auto text = read_secret_file(file, key_file_bytes_max, "credentials");
        for (const auto entry : split(text, '\n')) pool.add(entry, owner_from_file_name(file));
    }
}

std::vector<Account> from_credentials(const core::Credentials& credentials,
                                      const std::map<std::string, std::string>& environment,
                                      const std::string& secrets_dir) {
    Pool pool;
    fs::path path = credentials.name;
    if (path.is_relative() && !secrets_dir.empty()) path = fs::path(secrets_dir) / path;
    std::string place;
    switch (credentials.from) {
        case core::Credentials::From::env: {
            place = "environment variable " + credentials.name;
            const auto found = environment.find(credentials.name);
            if (found != environment.end()) pool.add_all(found->second, ',');
            break;
        }
        case core::Credentials::From::file:
            place = "file " + path.string();
            pool.add_all(read_secret_file(path, key_file_bytes_max, "credentials"), '\n');
            break;
        case core::Credentials::From::dir:
            place = "directory " + path.string();
            add_directory(pool, path);
            break;
    }
    auto accounts = pool.take();
    if (accounts.empty()) throw core::ConfigError("credentials: " + place + " holds no key");
    return accounts;
}

std::vector<Account> from_auth(const Auth& auth) {
    Key only;  // without a fingerprint: a password can be guessed, and the guess tried on it
    only.owner_told = true;
    if (auth.grant) return {Account{"default", {std::move(only)}}};  // its key is that of Tokens
    const auto key =
        auth.kind == Auth::Kind::basic ? core::base64(auth.user + ":" + auth.password) : auth.token;
    if (key.empty()) throw core::ConfigError("auth: the token is empty");
    core::remember_secret(key);
    core::remember_secret(auth.password);
    only.secret = key;
    return {Account{"default", {std::move(only)}}};
}

// A stream that no key may ask for would wait for ever.
void refuse_missing_scopes(const core::SourceFile& source, const std::vector<Account>& accounts) {
    for (const auto& stream : source.streams) {
        if (!stream.with_credentials) continue;
        for (const auto& scope : stream.scopes) {
            const auto has_it = [&](const Key& key) {
                return std::find(key.scopes.begin(), key.scopes.end(), scope) != key.scopes.end();
            };
            const bool is_there = std::any_of(accounts.begin(), accounts.end(), [&](const Account& account) {
                return std::any_of(account.keys.begin(), account.keys.end(), has_it);
            });
            if (!is_there)
                throw core::ConfigError("credentials: stream " + stream.name + " needs a key with scope " + scope +
                                        ", and none has it. Write the scopes of a key behind it: owner:key " + scope);
        }
    }
}

void inject(const std::string& header, const std::string& query, std::string value,
            HttpRequest& request) {
    if (!query.empty())
        request.url = with_query(request.url, query, value);
    else
        request.headers.emplace_back(header, std::move(value));
}

}  // namespace

bool is_alias_character(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

std::string alias_of(const Account& account, const Key& key) {
    return key.fingerprint.empty() ? account.owner : account.owner + "/" + key.fingerprint;
}

std::vector<Account> regrouped(const std::vector<Account>& accounts, const std::map<std::string, std::string>& owners) {
    Pool pool;
    for (const auto& account : accounts)
        for (const auto& key : account.keys) {
            const auto told = owners.find(key.fingerprint);
            pool.add(key, key.owner_told || told == owners.end() ? account.owner : told->second);
        }
    return pool.take();
}

KeyEntry split_key(std::string_view line) {
    const auto words = split(line.substr(0, line.find(" #")), ' ');
    if (words.empty()) return {};
    const auto entry = words.front();
    auto whole = KeyEntry{"", std::string(entry), {words.begin() + 1, words.end()}};
    const auto colon = entry.find(':');
    if (colon == 0 || colon == std::string_view::npos || colon > owner_bytes_max) return whole;
    const auto owner = entry.substr(0, colon);
    const auto key = entry.substr(colon + 1);
    if (key.empty() || key.find(':') != std::string_view::npos) return whole;
    if (!std::all_of(owner.begin(), owner.end(), is_alias_character)) return whole;
    whole.owner = owner;
    whole.key = key;
    return whole;
}

std::vector<Account> load_accounts(const core::SourceFile& source,
                                   const std::map<std::string, std::string>& environment,
                                   const std::string& secrets_dir) {
    std::vector<Account> accounts;
    if (source.credentials) accounts = from_credentials(*source.credentials, environment, secrets_dir);
    if (source.auth) accounts = from_auth(*source.auth);
    refuse_missing_scopes(source, accounts);
    return accounts;
}

void inject_credentials(const core::SourceFile& source, const std::string& key,
                        HttpRequest& request) {
    if (source.credentials) {
        const auto& how = *source.credentials;
        inject(how.inject_header, how.inject_query, how.inject_value.fill("key", key), request);
    } else if (source.auth) {
        const auto& auth = *source.auth;
        if (auth.kind == Auth::Kind::session) inject(auth.header, auth.query, auth.inject_value.fill("key", key), request);
        else if (auth.kind == Auth::Kind::bearer || auth.grant) inject("Authorization", "", "Bearer " + key, request);
        if (auth.kind == Auth::Kind::basic) inject("Authorization", "", "Basic " + key, request);
        if (auth.kind == Auth::Kind::api_key) inject(auth.header, auth.query, key, request);
    }
}

std::string secret_query_of(const core::SourceFile& source) {
    if (source.credentials) return source.credentials->inject_query;
    if (source.auth && (source.auth->kind == Auth::Kind::api_key || source.auth->kind == Auth::Kind::session)) return source.auth->query;
    return {};
}

}  // namespace pawl::collector
