-- Prosody module: users of a host may write to +number@host, and the gateway at a component gets it. For those who are
-- used to such addresses; new users write to +number@sms.example.org and need no module.
--
--   VirtualHost "example.org"
--     modules_enabled = { "msgkit_alias" }
--     msgkit_alias_component = "sms.example.org"   -- default: sms. and the host's name
--     msgkit_alias_replies = true                  -- messages of the gateway come from +number@host too
--
-- A local part is a number when it is + and digits; 00 and digits is read as +. Accounts of that name are not reached.
local jid_join = require "util.jid".join;
local jid_split = require "util.jid".split;

local component = module:get_option_string("msgkit_alias_component", "sms." .. module.host);
local aliases_replies = module:get_option_boolean("msgkit_alias_replies", false);

local function number_of(node)
	if not node then return nil; end
	local digits = node:match("^%+(%d+)$") or node:match("^00(%d+)$");
	return digits and "+" .. digits;
end

-- What a local user sends: addressed anew, then routed as if it had been so from the start.
local function redirect(event)
	local node, host, resource = jid_split(event.stanza.attr.to);
	local number = number_of(node);
	if host ~= module.host or not number then return; end
	event.stanza.attr.to = jid_join(number, component, resource);
	prosody.core_post_stanza(event.origin, event.stanza, true);
	return true;
end

for _, kind in ipairs { "message", "presence", "iq" } do
	module:hook("pre-" .. kind .. "/bare", redirect, 100);
	module:hook("pre-" .. kind .. "/full", redirect, 100);
end

-- Only messages: presence belongs to the contact in the roster, which has the component's address.
local function rename(event)
	local node, host, resource = jid_split(event.stanza.attr.from);
	if host == component and number_of(node) then event.stanza.attr.from = jid_join(node, module.host, resource); end
end

if aliases_replies then
	module:hook("message/bare", rename, 100);
	module:hook("message/full", rename, 100);
end
