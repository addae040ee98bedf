"""Pages for people: server-rendered, in English and Chinese, with plain forms that need no JavaScript."""
