#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collector/http.hpp"
#include "core/source_file.hpp"

namespace pawl::collector {

/// An account of the API with its keys. Quota belongs to the account: two keys of one owner share
/// one budget.
struct Account {
    std::string owner;              ///< alias, shown everywhere; never the key
    std::vector<std::string> keys;  ///< secret
};

/// The accounts of a source, from the environment (comma separated), a file (a key a line) or a
/// directory (a key a file). A key may be written `owner:key`; else its owner is the file's name,
/// or key1, key2 … in the order given. `auth:` is one account named "default". No credentials asked
/// for: none. Every key is remembered as a secret. `secrets_dir` is what relative names of files
/// and directories start from. Warns of files that others may read. Blocks (reads files). Throws
/// core::ConfigError when there is no key, or a file cannot be read.
[[nodiscard]] std::vector<Account> load_accounts(
    const core::SourceFile& source, const std::map<std::string, std::string>& environment,
    const std::string& secrets_dir);

/// One entry of a list of keys. The text before the only colon is the owner when it looks like a
/// name.
struct KeyEntry {
    std::string owner;  ///< "" : not told
    std::string key;
};
[[nodiscard]] KeyEntry split_key(std::string_view entry);

/// Puts `key` where the source wants it: a header or a query parameter.
void inject_credentials(const core::SourceFile& source, const std::string& key,
                        HttpRequest& request);
/// The query parameter that carries the key; "" when a header does.
[[nodiscard]] std::string secret_query_of(const core::SourceFile& source);

}  // namespace pawl::collector
