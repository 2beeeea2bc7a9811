#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collector/http.hpp"
#include "core/source_file.hpp"

namespace pawl::collector {

struct Key {
    std::string secret;
    std::string fingerprint;          ///< first 8 hex digits of its SHA-256; "" where guesses could be tried on it
    std::vector<std::string> scopes;  ///< as written behind it
    bool owner_told = false;          ///< by whoever wrote it down; else the API may know better
};

/// An account of the API with its keys. Quota belongs to the account: two keys of one owner share
/// one budget.
struct Account {
    std::string owner;  ///< alias, shown everywhere; never a key
    std::vector<Key> keys;
};

/// What a key is called where people read: "ann/3f9a12cd".
[[nodiscard]] std::string alias_of(const Account& account, const Key& key);

/// The accounts of a source, from the environment (comma separated), a file (a key a line) or a
/// directory (a key a file). A key may be written `owner:key`; else its owner is the file's name,
/// or key1, key2 … in the order given. Scopes may stand behind it, separated by blanks. `auth:` is one account named
/// "default". No credentials asked for: none. Every key is remembered as a secret. `secrets_dir` is what relative names of
/// files and directories start from. Warns of files that others may read. Blocks (reads files). Throws
/// core::ConfigError when there is no key, a file cannot be read, or no key has the scopes that a stream needs.
[[nodiscard]] std::vector<Account> load_accounts(
    const core::SourceFile& source, const std::map<std::string, std::string>& environment,
    const std::string& secrets_dir);

/// The same keys by the accounts that the API told for them: fingerprint → owner. What was written down stands.
[[nodiscard]] std::vector<Account> regrouped(const std::vector<Account>& accounts,
                                             const std::map<std::string, std::string>& owners);

/// Characters of aliases: letters, digits, `.`, `_`, `-`.
[[nodiscard]] bool is_alias_character(char c);

/// One entry of a list of keys: `[owner:]key [scope …]`. The text before the key's only colon is the owner when it looks
/// like a name.
struct KeyEntry {
    std::string owner;  ///< "" : not told
    std::string key;
    std::vector<std::string> scopes;
};
[[nodiscard]] KeyEntry split_key(std::string_view entry);

/// Puts `key` where the source wants it: a header or a query parameter.
void inject_credentials(const core::SourceFile& source, const std::string& key,
                        HttpRequest& request);
/// The query parameter that carries the key; "" when a header does.
[[nodiscard]] std::string secret_query_of(const core::SourceFile& source);

}  // namespace pawl::collector
