/** The look of the approval page: one column, large buttons, light and dark. */
export const pageStyle = `
*{box-sizing:border-box}
body{font:1.0625rem/1.55 system-ui,sans-serif;color:#1a1a1a;background:#f6f6f7;margin:0;padding:1rem}
main{max-width:36rem;margin:0 auto;background:#fff;padding:1.25rem;border-radius:.5rem;border:1px solid #d9d9de}
h1{font-size:1.375rem;line-height:1.3;margin:0 0 .75rem}
.prompt{white-space:pre-wrap;overflow-wrap:anywhere;border-left:.25rem solid #767680;padding-left:.75rem;margin:1rem 0}
dl{margin:1rem 0}dt{font-weight:600}dd{margin:0 0 .5rem;overflow-wrap:anywhere}
label{display:block;font-weight:600;margin:1rem 0 .25rem}
textarea{width:100%;min-height:5.5rem;font:inherit;color:inherit;background:inherit;padding:.5rem;border:1px solid #767680;border-radius:.25rem}
.hint{color:#55555f;font-size:.9375rem;margin:.25rem 0 0}
fieldset{border:0;padding:0;margin:1.25rem 0 0}legend{font-weight:600;padding:0;margin-bottom:.25rem}
button{display:block;width:100%;min-height:3rem;margin:.5rem 0;padding:.625rem 1rem;font:inherit;font-weight:600;text-align:left;overflow-wrap:anywhere;color:#fff;background:#44444c;border:2px solid transparent;border-radius:.375rem;cursor:pointer}
button.yes{background:#11603a}small{font-weight:400}
:focus-visible{outline:3px solid #1456b8;outline-offset:2px}
.notice{border:2px solid #44444c;border-radius:.375rem;padding:.75rem;margin:0 0 1rem}
ul{padding-left:1.25rem}li{overflow-wrap:anywhere}
@media(prefers-color-scheme:dark){body{color:#ececf0;background:#141416}main{background:#1d1d20;border-color:#3d3d44}.hint{color:#b4b4be}button{background:#4d4d57}button.yes{background:#14713f}.notice{border-color:#b4b4be}:focus-visible{outline-color:#8ab8ff}}
`
