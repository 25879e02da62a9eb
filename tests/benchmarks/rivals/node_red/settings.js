// No editor, no context on disk, no log but errors: the flow alone.
module.exports = {
  httpAdminRoot: false,
  flowFile: "flow.json",
  credentialSecret: false,
  apiMaxLength: "5mb",
  logging: {console: {level: "error", metrics: false, audit: false}},
};
